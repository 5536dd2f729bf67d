import { event } from '#events';
import { Id } from '#http';
import { IsString } from 'class-validator';

export class CategoryPayload {
  @Id()
  categoryId: string;
}

export class CategoryChangePayload extends CategoryPayload {
  /** The names of the members that were changed. @example ["parentId"] */
  @IsString({ each: true })
  changed: string[];
}

export const categoryCreated = event('category.created', {
  version: 1,
  payload: CategoryPayload,
  description: 'A category was made by hand. One that a product is the first to name is made without an event of its own.',
  visibleTo: ['products:read'],
});

export const categoryUpdated = event('category.updated', {
  version: 1,
  payload: CategoryChangePayload,
  description: 'A category was renamed or moved.',
  visibleTo: ['products:read'],
});

export const categoryDeleted = event('category.deleted', {
  version: 1,
  payload: CategoryPayload,
  description: 'A category that nothing lay in was deleted.',
  visibleTo: ['products:read'],
});
