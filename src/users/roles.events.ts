import { event } from '#events';
import { IsString } from 'class-validator';

export class RolePayload {
  /** @example "warehouse" */
  @IsString()
  role: string;
}

export class RolePermissionsPayload extends RolePayload {
  /** What it allows from now on. @example ["orders:read"] */
  @IsString({ each: true })
  permissions: string[];
}

export const roleCreated = event('role.created', {
  version: 1,
  payload: RolePermissionsPayload,
  description: 'A role was made.',
  visibleTo: ['roles:manage'],
});

export const roleUpdated = event('role.updated', {
  version: 1,
  payload: RolePermissionsPayload,
  description: 'A role was changed; everybody who has it follows within a second.',
  visibleTo: ['roles:manage'],
});

export const roleDeleted = event('role.deleted', {
  version: 1,
  payload: RolePayload,
  description: 'A role that nobody had was deleted.',
  visibleTo: ['roles:manage'],
});
