import { problem } from '#errors';

export const fileNotFound = problem(
  'files/not-found',
  'not-found',
  'No such file',
  'No file has this id, it is not yours, or the link to it is not one of ours. A link comes from the `url` of the file.',
);
export const variantNotFound = problem(
  'files/variant-not-found',
  'not-found',
  'There is no such picture',
  'Smaller pictures are made of images, some seconds after the upload. Read the file: `variants` lists those that are ready, `variantsStatus` says whether more will come.',
);
export const linkExpired = problem(
  'files/link-expired',
  'forbidden',
  'The link has expired',
  'Links to files work for some minutes. Read the file again: its `url` is a new one. For an upload, begin a new one.',
);
export const typeRefused = problem(
  'files/type-refused',
  'unsupported-media',
  'The file is not of a type that is taken',
  'What the file holds, what its Content-Type says and what its name ends in must agree, and it must be a type that this installation takes (FILES_TYPES). Text is UTF-8.',
);
export const imageRefused = problem(
  'files/image-refused',
  'unprocessable',
  'The image cannot be used',
  'The image is damaged, has more pixels than this installation takes (FILES_IMAGE_PIXELS), or holds something else as well.',
);
export const badFileName = problem(
  'files/bad-name',
  'invalid',
  'The name of the file is not valid',
  'The name holds control characters, line breaks among them. Name the file otherwise.',
);
export const emptyFile = problem(
  'files/empty',
  'invalid',
  'The file is empty',
  'There are no bytes in the file. Send it again, with its content.',
);
export const quotaExceeded = problem(
  'files/quota-exceeded',
  'conflict',
  'There is no room for the file',
  'Your files, and uploads that you have begun, may come to FILES_QUOTA_BYTES together. Delete some, or wait for uploads to expire.',
);
export const fileInUse = problem(
  'files/in-use',
  'conflict',
  'The file is in use',
  'Something still shows this file, a post perhaps. Take it out there first.',
);
export const uploadNotFound = problem(
  'files/upload-not-found',
  'not-found',
  'No such upload',
  'No upload that you have begun has this id, or it has expired. Begin a new one with POST /files/uploads.',
);
export const uploadMissing = problem(
  'files/upload-missing',
  'conflict',
  'The bytes are not there yet',
  'Nothing was uploaded to the URL that the upload gave you. Send the bytes there, then complete the upload.',
);
export const uploadMismatch = problem(
  'files/upload-mismatch',
  'unprocessable',
  'The upload is not what was announced',
  'The bytes differ from what was announced in size, type or SHA-256, or the headers of the upload were not sent as they were given. Begin a new upload.',
);
