import { problem } from '#errors';

export const categoryNotFound = problem(
  'categories/not-found',
  'not-found',
  'No such category',
  'No category has this id or slug. GET /api/v1/categories lists them.',
);
export const categorySlugTaken = problem(
  'categories/slug-taken',
  'conflict',
  'The slug belongs to another category',
  'Another category has this slug. Choose another, or leave `slug` out to have one made from the name.',
);
export const unknownParent = problem(
  'categories/unknown-parent',
  'invalid',
  'The category above it does not exist',
  '`parentId` names no category. Give the id of one that is there, or null to put the category at the top.',
);
export const categoryMisplaced = problem(
  'categories/misplaced',
  'conflict',
  'The category cannot stand there',
  'A category cannot be below itself, and the tree has ten levels at most. Choose another `parentId`; of two that move categories below each other’s at once, the second is refused.',
);
export const categoryInUse = problem(
  'categories/in-use',
  'conflict',
  'Something lies in the category',
  'Products that are not withdrawn name it, or categories are below it. Move those elsewhere first.',
);
