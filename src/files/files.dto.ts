import { IsIn, IsOptional, Matches } from 'class-validator';
import type { File } from './files.queries.js';
import { VARIANT_NAMES, VARIANT_TYPE, type VariantName } from './files.rules.js';

/** Makes the links of a file. */
export interface Links {
  toContent(file: { id: string; isPublic: boolean }, variant?: string): string;
}

/** An image, with the smaller pictures of it. */
interface Pictured {
  id: string;
  isPublic: boolean;
  made: { name: string; size: number; width: number; height: number }[];
}

export class ContentQuery {
  /** A smaller picture of an image, as WebP, instead of the file itself. */
  @IsOptional()
  @IsIn(VARIANT_NAMES)
  variant?: VariantName;

  /** Of a link: when it ends. */
  @IsOptional()
  @Matches(/^\d{1,12}$/, { message: '$property must be seconds' })
  expires?: string;

  /** Of a link. */
  @IsOptional()
  @Matches(/^[\w-]{43}$/, { message: '$property must be that of a link' })
  signature?: string;
}

export class FileVariantResponse {
  name: 'thumb' | 'medium' | 'large';
  /** @example "image/webp" */
  contentType: string;
  url: string;
  /** In bytes. @example 5120 */
  size: number;
  /** In pixels. @example 200 */
  width: number;
  /** In pixels. @example 133 */
  height: number;

  /** Those of a file that are ready, the smallest first. */
  static of(this: void, file: Pictured, links: Links): FileVariantResponse[] {
    const made = VARIANT_NAMES.flatMap((name) => file.made.find((variant) => variant.name === name) ?? []);
    return made.map(({ name, size, width, height }) => ({
      name: name as VariantName,
      contentType: VARIANT_TYPE,
      url: links.toContent(file, name),
      size,
      width,
      height,
    }));
  }
}

export class FileResponse {
  id: string;
  /** @example "sunrise.jpg" */
  name: string;
  /** What the file really is. @example "image/jpeg" */
  contentType: string;
  /** In bytes. @example 48213 */
  size: number;
  /** Of the bytes, in hexadecimal. */
  sha256: string;
  /** The content. The link of a private file needs no login, and works for some minutes. */
  url: string;
  /** Whether everybody may read it, because something public shows it. */
  isPublic: boolean;
  /** Of an image, in pixels, as it is shown. */
  width: number | null;
  /** Of an image, in pixels, as it is shown. */
  height: number | null;
  /** The smaller pictures of an image that are ready. */
  variants: FileVariantResponse[];
  /** Whether there are, or will be, smaller pictures. They are made some seconds after the upload; of a damaged image there are none. */
  variantsStatus: 'none' | 'pending' | 'ready' | 'failed';
  createdAt: Date;

  static from(this: void, file: File, links: Links): FileResponse {
    return {
      id: file.id,
      name: file.name,
      contentType: file.contentType,
      size: Number(file.size),
      sha256: Buffer.from(file.sha256).toString('hex'),
      url: links.toContent(file),
      isPublic: file.isPublic,
      width: file.width,
      height: file.height,
      variants: FileVariantResponse.of(file, links),
      variantsStatus: file.variants,
      createdAt: file.createdAt,
    };
  }
}
