import { FileVariantResponse, type Links } from '../files/files.dto.js';
import type { Cover } from './covers.queries.js';

/** The image above a post. */
export class CoverResponse {
  fileId: string;
  /** The image. While the post is not out, the link works for some minutes. */
  url: string;
  /** In pixels. @example 1200 */
  width: number;
  /** In pixels. @example 800 */
  height: number;
  /** The smaller pictures that are ready. */
  variants: FileVariantResponse[];
  /** Whether there are, or will be, smaller pictures. */
  variantsStatus: 'none' | 'pending' | 'ready' | 'failed';

  static from(this: void, cover: Cover, links: Links): CoverResponse {
    const { id, width, height, variants } = cover;
    return {
      fileId: id,
      url: links.toContent(cover),
      width,
      height,
      variants: FileVariantResponse.of(cover, links),
      variantsStatus: variants,
    };
  }
}

export class NeighbourResponse {
  id: string;
  /** @example "on-difference-engines" */
  slug: string;
  /** @example "On difference engines" */
  title: string;
}

export class SeriesPlaceResponse {
  id: string;
  /** @example "engines" */
  slug: string;
  /** @example "Engines" */
  title: string;
  /** Its place among the posts of the series that are published, and itself; from 1. @example 2 */
  position: number;
  /** How many those are. @example 3 */
  of: number;
  /** The published post before it. */
  previous: NeighbourResponse | null;
  /** The published post after it. */
  next: NeighbourResponse | null;
}

export class HeadingResponse {
  /** Where `#` leads in `bodyHtml`. @example "h-what-it-weaves" */
  id: string;
  /** From 1 to 6. @example 2 */
  level: number;
  /** @example "What it weaves" */
  text: string;
}
