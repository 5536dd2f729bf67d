import { Prisma } from '#database';

/** The image above a post, as JSON comes from the database. */
export interface Cover {
  id: string;
  isPublic: boolean;
  width: number;
  height: number;
  variants: 'none' | 'pending' | 'ready' | 'failed';
  made: { name: string; size: number; width: number; height: number }[];
}

/** Of the post `p`, with its row: a list asks for no cover by itself, and a post without one costs nothing. */
export const COVER = Prisma.sql`CASE WHEN p.cover_file_id IS NOT NULL THEN (
    SELECT json_build_object('id', f.id, 'isPublic', f.is_public, 'width', f.width, 'height', f.height, 'variants', f.variants, 'made', coalesce(
      (SELECT json_agg(json_build_object('name', v.name, 'size', v.size, 'width', v.width, 'height', v.height)) FROM file_variants v WHERE v.file_id = f.id), '[]'))
    FROM files f WHERE f.id = p.cover_file_id) END`;
