import { event } from '#events';
import { Id } from '#http';
import { IsInt, IsString, Min } from 'class-validator';

export class FilePayload {
  @Id()
  fileId: string;

  @Id()
  ownerId: string;

  /** @example "image/png" */
  @IsString()
  contentType: string;

  /** In bytes. @example 48213 */
  @IsInt()
  @Min(0)
  size: number;
}

export const fileUploaded = event('file.uploaded', {
  version: 1,
  payload: FilePayload,
  description: 'A file is there: whole, and verified.',
  visibleTo: ['subject', 'files:manage'],
});

export const fileDeleted = event('file.deleted', {
  version: 1,
  payload: FilePayload,
  description: 'A file was deleted, by its owner or by staff.',
  visibleTo: ['subject', 'files:manage'],
});
