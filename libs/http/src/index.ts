export { LimitedPerAccount } from './account-limits.js';
export { API_PREFIX, apiUrl } from './api.js';
export { recordDenials } from './denials.js';
export { completeMethods, createEdge } from './edge.js';
export { AnswersDocument, TextDocument } from './documents.js';
export { AnswersEvents, EventStream } from './event-stream.js';
export { EmailAddress, ExternalId, Id, IfPresent, isTime, Line, Metadata, Prose, Slug, Text, Time } from './fields.js';
export { TakesForms } from './forms.js';
export { type Content, ContentReply, Sends, SendsContent } from './content.js';
export * from './http.errors.js';
export { HttpModule } from './http.module.js';
export { type Crossing, Idempotent, type Once } from './idempotency.js';
export { buildDocument, schemasOf } from './openapi.js';
export { CURRENCY, Currency, Money, money } from './money.js';
export { keyset, keysetSql, ListQuery, type Page, parseSort, type Position, QueryInt, readCursor, type Sort, toPage } from './paging.js';
export { problemDocument, ProblemFilter, STATUS } from './problem.filter.js';
export { RateLimitGuard, Unlimited } from './rate-limit.guard.js';
export { RateLimits } from './rate-limits.js';
export {
  Accepts,
  AnswersOneOf,
  BodyOneOf,
  Creates,
  type ExpectedVersions,
  expectVersion,
  IfMatch,
  isStale,
  MadeAnew,
} from './representation.js';
export { pageOf } from './pages.js';
export { collectFacts, Problems, type RouteFacts } from './route-facts.js';
export { InEveryRole, RoleGuard } from './role.guard.js';
export { answerFromMemory, PubliclyCached } from './shared-answers.js';
export { slugFrom } from './slug.js';
export { attachmentName } from './disposition.js';
export { type FilePart, FileUpload, TakesBytes, TakesFile, Upload } from './streams.js';
export { UndeclaredInputGuard } from './undeclared-input.guard.js';
export { IdPipe, InputPipe, isId, NumberPipe, refuseUnstorable } from './validation.pipe.js';
