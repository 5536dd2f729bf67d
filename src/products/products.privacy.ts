import { Injectable } from '@nestjs/common';
import type { Db } from '#database';
import { type ExportedFile, paged, PersonalData } from '#privacy';

/** What staff did to the stock, and what is held for buyers: the company's own books, which name nobody once the account is erased. */
@Injectable()
export class ProductsPrivacy extends PersonalData {
  readonly name = 'products';
  readonly tables = ['stock_movements', 'stock_reservations', 'product_images'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const movements = (last?: { id: string }) =>
      db.stockMovement.findMany({ where: { actorId: userId, ...(last && { id: { gt: last.id } }) }, orderBy: { id: 'asc' }, take: 500 });
    yield { name: 'stock-movements.json', about: 'What you did to the stock of products at work.', rows: paged(movements) };
  }

  /** Images go with the files of whoever uploaded them. */
  async erase(): Promise<void> {}
}
