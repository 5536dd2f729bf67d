import { Injectable } from '@nestjs/common';
import { record } from '#audit';
import { invalidate } from '#cache';
import { afterCommit, type Db, defined, isForeignKeyViolation, PrismaService, signal, Signals, transaction } from '#database';
import { publish } from '#events';
import { expectVersion, type ExpectedVersions } from '#http';
import type { Actor } from '#security';
import type { ChangeShopSettingsDto } from './settings.dto.js';
import { settingsContradict, taxClassInUse } from './settings.errors.js';
import { shopSettingsUpdated } from './settings.events.js';
import { auditedSettings, lockSettings, readSettings, writeSettings } from './settings.queries.js';
import { contradictions, ppmOf, type Settings } from './settings.rules.js';

const TOPIC = 'shop-settings';
/** A change is heard of at once; so long at most it is not, when the word of it is lost. */
const KEPT_MS = 1_000;

/** How the shop sells: currencies, tax, shipping, its time zone. Kept in the database, and for a moment in each process. */
@Injectable()
export class SettingsService {
  private kept: { settings: Settings; until: number } | undefined;
  /** Counts the changes that were heard of: what was read before one is not kept after it. */
  private changes = 0;

  constructor(
    private readonly prisma: PrismaService,
    signals: Signals,
  ) {
    signals.on(TOPIC, () => this.forget());
    signals.onGap(() => this.forget());
  }

  /** As they are, or were at most a second ago. Read by `db`: transactions that wait for another connection of the pool wait for each other. */
  async current(db: Db): Promise<Settings> {
    if (this.kept !== undefined && performance.now() < this.kept.until) return this.kept.settings;
    const [until, changes] = [performance.now() + KEPT_MS, this.changes];
    const settings = await readSettings(db);
    if (changes === this.changes) this.kept = { settings, until };
    return settings;
  }

  get(_actor: Actor | null): Promise<Settings> {
    return readSettings(this.prisma);
  }

  /** @throws shop/settings-contradict, shop/tax-class-in-use */
  async change(
    actor: Actor,
    { taxRates, shippingMethods, ...changes }: ChangeShopSettingsDto,
    expected: ExpectedVersions,
  ): Promise<Settings> {
    return transaction(this.prisma, async (db) => {
      await lockSettings(db);
      const before = await readSettings(db);
      expectVersion(before.version, expected);
      const wanted = {
        ...before,
        ...defined(changes),
        ...(taxRates && { taxRates: taxRates.map(({ rate, ...of }) => ({ ...of, ppm: ppmOf(rate) })) }),
        ...(shippingMethods && {
          shippingMethods: shippingMethods.map(({ price: { amount, currency }, ...of }) => ({ ...of, price: amount, currency })),
        }),
      };
      const fields = contradictions(wanted);
      if (fields.length > 0) throw settingsContradict('The settings contradict each other; see errors.', { fields });
      await writeSettings(db, wanted).catch((error: unknown) => {
        if (isForeignKeyViolation(error)) throw taxClassInUse('Products have a tax class that would be gone.');
        throw error;
      });
      const after = await readSettings(db);
      await record(db, { actor, action: 'shop-settings.updated', resource: auditedSettings('shop'), before, after });
      await publish(db, shopSettingsUpdated, { version: after.version }, { actor, resource: { type: 'shop-settings', id: 'shop' } });
      invalidate(db, ['shop']);
      afterCommit(db, () => this.forget());
      signal(db, TOPIC, 'all');
      return after;
    });
  }

  private forget(): void {
    this.kept = undefined;
    this.changes += 1;
  }
}
