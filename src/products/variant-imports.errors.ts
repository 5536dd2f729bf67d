import { problem } from '#errors';

export const productImportNotFound = problem(
  'products/import-not-found',
  'not-found',
  'No such import',
  'No import of variants has this id; what became of imports is kept for PRODUCTS_IMPORTS_TTL_DAYS. GET /api/v1/products/imports lists them.',
);
export const productImportUnreadable = problem(
  'products/import-unreadable',
  'unprocessable',
  'The file cannot be imported',
  'What is imported is a CSV file in UTF-8, parted by commas, whose first line names its columns, as GET /api/v1/products/export.csv writes them. Nothing of a file that cannot be read to its end is written.',
);
export const tooManyProductImports = problem(
  'products/too-many-imports',
  'conflict',
  'Other imports are under way',
  'Three imports of variants may wait or run at a time. Wait for one of them to end, or cancel it.',
);
export const productImportOver = problem(
  'products/import-over',
  'conflict',
  'The import is over',
  'It has come to its end already. What it wrote stays.',
);
export const productImportNotAllowed = problem(
  'products/import-not-allowed',
  'forbidden',
  'Whoever asked for the import may not do it any more',
  'The account that asked for it is gone, suspended, or may not manage products any more. What was written before stays; somebody else can import the file.',
);
