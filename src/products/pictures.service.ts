import { Injectable } from '@nestjs/common';
import { execute, Prisma, type Tx } from '#database';
import type { Actor } from '#security';
import { FilesService } from '../files/files.service.js';
import { imageUnusable } from './products.errors.js';
import type { Product } from './products.queries.js';

/** The images of a product: files that are public while it is on sale. */
@Injectable()
export class PicturesService {
  constructor(private readonly files: FilesService) {}

  /**
   * Has the product show these and no others, in this order. Each is an image of the actor's, or one that it shows already.
   * @throws products/image-unusable
   */
  async show(actor: Actor, product: Product, images: readonly { fileId: string; alt: string }[], db: Tx): Promise<void> {
    const known = product.images.map(({ id }) => id);
    const wanted = images.map(({ fileId }) => fileId);
    const usable = (await this.files.images(wanted, db))
      .filter(({ id, ownerId }) => known.includes(id) || ownerId === actor.id || actor.can('files:manage'))
      .map(({ id }) => id);
    const fields = wanted.flatMap((id, index) =>
      usable.includes(id) ? [] : [{ pointer: `/images/${index}/fileId`, code: imageUnusable.code, detail: `cannot show the file ${id}` }],
    );
    if (fields.length > 0)
      throw imageUnusable('One of the files is gone, is no image, or is somebody else’s; upload the image first.', { fields });
    await execute(db, Prisma.sql`DELETE FROM product_images WHERE product_id = ${product.id}::uuid`);
    await execute(
      db,
      Prisma.sql`INSERT INTO product_images (product_id, position, file_id, alt)
        SELECT ${product.id}::uuid, place, file_id, alt
        FROM unnest(${wanted}::uuid[], ${images.map(({ alt }) => alt)}::text[]) WITH ORDINALITY AS i (file_id, alt, place)`,
    );
  }

  /** Brings the files into line with a product that shows others now, or began or ceased to be on sale; `was` is how it was before. */
  async align(actor: Actor, was: Product | null, product: Product, db: Tx): Promise<void> {
    if (product.images.length === 0 && (was?.images ?? []).length === 0) return;
    const ids = product.images.map(({ id }) => id);
    await this.files.show(actor, { type: 'product', id: product.id }, ids, { isPublic: product.status === 'active' }, db);
  }
}
