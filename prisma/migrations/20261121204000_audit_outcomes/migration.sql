-- What was denied or failed is rare, and what an operator looks for: its pages must not walk the whole log.
CREATE INDEX "audit_entries_outcome_idx" ON "audit_entries" ("outcome", "id") WHERE "outcome" <> 'succeeded';
