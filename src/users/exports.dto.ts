import type { PersonalExport } from '#privacy';

export class ExportResponse {
  id: string;
  status: 'pending' | 'running' | 'ready' | 'failed';
  createdAt: Date;
  /** When it was made, or given up. */
  completedAt: Date | null;
  /** Until when it can be fetched. */
  expiresAt: Date | null;
  /** Bytes of the archive. @example 20480 */
  size: number | null;
  /** Of the archive, in hexadecimal. */
  sha256: string | null;
  /** Where the archive is; it needs the same login. Null until the export is ready. */
  url: string | null;

  /** `api` is the URL of the API. */
  static from(this: void, made: PersonalExport, api: string): ExportResponse {
    return {
      id: made.id,
      status: made.status,
      createdAt: made.createdAt,
      completedAt: made.completedAt,
      expiresAt: made.expiresAt,
      size: made.size === null ? null : Number(made.size),
      sha256: made.sha256 && Buffer.from(made.sha256).toString('hex'),
      url: made.status === 'ready' ? `${api}/users/me/exports/${made.id}/content` : null,
    };
  }
}
