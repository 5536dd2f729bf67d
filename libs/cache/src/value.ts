/** What is kept: some bytes, and a few words about them. Nobody changes either. */
export interface Value {
  readonly head: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/**
 * The name of something that values are made of, `kind` or `kind:id`, at most 50 characters: whoever changes it invalidates its tag, and
 * every value that bears the tag is gone.
 */
export type Tag = string;

/** A value and what it was made of; one without tags (`null`) is kept by nobody. */
export interface Made {
  value: Value;
  tags: readonly Tag[] | null;
}
