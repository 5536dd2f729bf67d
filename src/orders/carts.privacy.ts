import { Injectable } from '@nestjs/common';
import type { Db, Tx } from '#database';
import { type ExportedFile, PersonalData } from '#privacy';

/** What somebody is about to order; nothing asks for it once they are gone. */
@Injectable()
export class CartsPrivacy extends PersonalData {
  readonly name = 'carts';
  readonly tables = ['carts', 'cart_lines'];

  async *export(userId: string, db: Db): AsyncGenerator<ExportedFile> {
    const carts = async function* () {
      yield* await db.cart.findMany({ where: { userId }, omit: { tokenHash: true }, include: { lines: { omit: { cartId: true } } } });
    };
    yield { name: 'cart.json', about: 'What is in your cart.', rows: carts() };
  }

  async erase(userId: string, db: Tx): Promise<void> {
    await db.cart.deleteMany({ where: { userId } });
  }
}
