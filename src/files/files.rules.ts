import { badFileName } from './files.errors.js';
import { kindOf } from './types.rules.js';

/** Smaller pictures of an image: each fits into a square of so many pixels. */
export const VARIANTS = { thumb: 200, medium: 800, large: 1_600 } as const;
export type VariantName = keyof typeof VARIANTS;
export const VARIANT_NAMES = Object.keys(VARIANTS) as VariantName[];
export const VARIANT_TYPE = 'image/webp';

const LONGEST_NAME = 200;
/** Line breaks are what browsers write as %0A and %0D in the names of forms. */
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]|%0[AD]/;
/** What changes how the rest is read without being seen. */
const INVISIBLE = /[\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** Where the bytes of a file or of one of its variants lie. */
export function keyOf(fileId: string, variant?: string): string {
  return variant === undefined ? fileId : `${fileId}.${variant}`;
}

/** Every key that a file may have. */
export function keysOf(fileId: string): string[] {
  return [keyOf(fileId), ...VARIANT_NAMES.map((variant) => keyOf(fileId, variant))];
}

/** What a file is called: one word of a path, that shows what it is. It is shown and given back, and names nothing here. @throws files/bad-name */
export function cleanName(given: string): string {
  if (CONTROLS.test(given) || !given.isWellFormed()) throw badFileName('The name of the file must be one line without control characters.');
  const last = given.normalize('NFC').replace(INVISIBLE, '').split(/[/\\]/).at(-1)!;
  const plain = last.replace(/^[\s.]+|[\s.]+$/g, '') || 'file';
  const characters = [...plain];
  if (characters.length <= LONGEST_NAME) return plain;
  const extension = /\.[a-z0-9]{1,10}$/i.exec(plain)?.[0] ?? '';
  return characters.slice(0, LONGEST_NAME - extension.length).join('') + extension;
}

/** The name to save a file under: one that ends as files of its type do, so that the computer opens it as what it is. */
export function downloadName(name: string, contentType: string): string {
  const { extensions } = kindOf(contentType);
  const fits = extensions.length === 0 || extensions.some((extension) => name.toLowerCase().endsWith(`.${extension}`));
  return fits ? name : `${name}.${extensions[0]}`;
}
