import { problem } from '#errors';

export const validationFailed = problem(
  'http/validation-failed',
  'invalid',
  'The input is not valid',
  'A member of the body, the query or the path breaks a rule. `errors` names each one by JSON Pointer (body) or `?name` (query) and says what is allowed. Members that the operation does not know are refused, too.',
);
export const malformedBody = problem(
  'http/malformed-body',
  'invalid',
  'The body is not JSON',
  'The body could not be read as JSON (RFC 8259). Check quotes, commas and the encoding (UTF-8), and that Content-Length matches.',
);
export const badRequest = problem(
  'http/bad-request',
  'invalid',
  'The request cannot be understood',
  'The request line, a header or the path is malformed.',
);
export const invalidCursor = problem(
  'http/invalid-cursor',
  'invalid',
  'The cursor is not valid here',
  'Pass `nextCursor` of an earlier page as it is, with the same `sort`. To begin again, leave `cursor` out.',
);
export const notFound = problem(
  'http/not-found',
  'not-found',
  'Nothing is here',
  'No operation has this path. The operations are listed at /docs and in /openapi.json.',
);
export const methodNotAllowed = problem(
  'http/method-not-allowed',
  'method-not-allowed',
  'The path does not take this method',
  'The path exists, but not with this method; the Allow header names the methods it takes.',
);
export const requestTimeout = problem(
  'http/request-timeout',
  'timeout',
  'The request took too long to arrive',
  'The request was not complete within the time allowed. Send it again, in one go.',
);
export const bodyTooLarge = problem(
  'http/body-too-large',
  'too-large',
  'The body is too large',
  'The body has more bytes than this installation takes (HTTP_BODY_LIMIT_BYTES; 1 MiB by default). Send less.',
);
export const unsupportedMediaType = problem(
  'http/unsupported-media-type',
  'unsupported-media',
  'The body has a type this operation does not take',
  'Send the body as `Content-Type: application/json`, unless the operation says otherwise.',
);
export const rangeNotSatisfiable = problem(
  'http/range-not-satisfiable',
  'out-of-range',
  'The range lies outside',
  'Nothing of the range that you ask for is there; the Content-Range header says how many bytes there are.',
);
export const uploadMalformed = problem(
  'http/upload-malformed',
  'invalid',
  'The upload cannot be read',
  'The body is not multipart/form-data (RFC 7578) with one file in the field that the operation names and nothing else, or it broke off. Send it again, whole.',
);
export const fileTooLarge = problem(
  'http/file-too-large',
  'too-large',
  'The file is too large',
  'The file has more bytes than this installation takes (FILES_MAX_BYTES; 50 MiB by default).',
);
export const staleVersion = problem(
  'http/stale-version',
  'stale',
  'Somebody changed it meanwhile',
  'The version in If-Match is no longer the current one. Read the resource again, apply your change to what it is now, and send it with the new ETag.',
);
export const rateLimited = problem(
  'http/rate-limited',
  'too-many',
  'Too many requests',
  'You have used up the requests of this minute. The RateLimit and Retry-After headers say when there are more.',
);
export const internal = problem(
  'http/internal',
  'internal',
  'Something broke on our side',
  'This is our fault, and it has been logged under the request id. Trying again may help; quote the request id when you report it.',
);
export const unavailable = problem(
  'http/unavailable',
  'unavailable',
  'Not available just now',
  'The service or its database is overloaded, starting or stopping. Nothing was changed. Try again after Retry-After; with an Idempotency-Key a repeated POST is safe.',
);

export const idempotencyKeyRequired = problem(
  'idempotency/key-required',
  'invalid',
  'An Idempotency-Key is required',
  'This call moves money or stock, so that a repeated one must be recognised. Send an `Idempotency-Key` header with a value of your own (a UUID, say), new for every intention and the same for its retries.',
);
export const idempotencyKeyMalformed = problem(
  'idempotency/key-malformed',
  'invalid',
  'The Idempotency-Key is malformed',
  'The key is 1 to 255 visible ASCII characters, bare or in double quotes, and is sent once.',
);
export const idempotencyKeyGuessable = problem(
  'idempotency/key-guessable',
  'invalid',
  'The Idempotency-Key could be guessed',
  'Without a login it is the key that tells your calls from those of others: make it of 16 characters or more, such as a random UUID.',
);
export const idempotencyKeyReused = problem(
  'idempotency/key-reused',
  'unprocessable',
  'The Idempotency-Key belongs to another call',
  'The key was used before with another body or path. Use a new key for a new intention.',
);
export const idempotencyInProgress = problem(
  'idempotency/in-progress',
  'conflict',
  'The first call with this key is still running',
  'Wait for the time Retry-After names and send the same call again: you will get the answer of the first.',
);
