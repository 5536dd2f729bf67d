import { problem } from '#errors';

export const importNotFound = problem(
  'posts/import-not-found',
  'not-found',
  'No such import',
  'You have no import with this id; what became of imports is kept for POSTS_IMPORTS_TTL_DAYS. GET /api/v1/posts/imports lists yours.',
);
export const importUnreadable = problem(
  'posts/import-unreadable',
  'unprocessable',
  'The file cannot be imported',
  'What is imported is a ZIP of a folder of Markdown files, or one Markdown file (.md, .markdown, .mdx). The ZIP may not be encrypted, damaged or split.',
);
export const importTooLarge = problem(
  'posts/import-too-large',
  'too-large',
  'There is too much in the archive',
  'An archive may hold POSTS_IMPORT_MAX_FILES files, which may come to POSTS_IMPORT_UNPACKED_BYTES when they are unpacked. Import it in parts.',
);
export const tooManyImports = problem(
  'posts/too-many-imports',
  'conflict',
  'Other imports of yours are under way',
  'One person may have POSTS_IMPORTS_AT_ONCE imports waiting or running. Wait for one to end, or cancel it.',
);
export const importOver = problem(
  'posts/import-over',
  'conflict',
  'The import is over',
  'It has come to its end already. What it wrote stays: trash those posts, if you do not want them.',
);
export const importNotAllowed = problem(
  'posts/import-not-allowed',
  'forbidden',
  'You may not import like this',
  'To publish what is imported takes `posts:publish`; to import for somebody else, whose account must exist, `posts:manage`.',
);
