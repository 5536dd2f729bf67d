import { hosted } from './adapter.js';
import type { Connection } from './connection.js';
import type { PrismaService, Tx } from './prisma.service.js';

type Methods = Record<string, (...args: unknown[]) => Promise<unknown>>;

/**
 * Prisma's client for a transaction that others have begun: it joins with the first query it is asked for, because joining costs more than
 * many a statement, and the hot writes do without. `close` it before the transaction ends.
 */
export class LatePrisma {
  readonly client: Tx;
  private readonly closing = Promise.withResolvers<void>();
  private joined: Promise<Tx> | undefined;
  private left: Promise<void> | undefined;

  constructor(
    private readonly prisma: PrismaService,
    private readonly connection: Connection,
  ) {
    this.client = lazily((name) =>
      name.startsWith('$') ? this.call((tx) => tx, name) : lazily((method) => this.call((tx) => tx[name]!, method)),
    ) as Tx;
  }

  async close(): Promise<void> {
    this.closing.resolve();
    await this.left;
  }

  private call(of: (tx: Record<string, Methods> & Methods) => Methods, method: string) {
    return async (...args: unknown[]) => of((await this.join()) as never)[method]!(...args);
  }

  private join(): Promise<Tx> {
    this.joined ??= new Promise((resolve, reject) => {
      const open = () =>
        this.prisma.$transaction((tx) => {
          resolve(tx);
          return this.closing.promise;
        });
      this.left = hosted(this.connection, open).catch(reject);
    });
    return this.joined;
  }
}

/** An object that makes its members when they are first asked for. A promise would take one that has `then` for another promise. */
function lazily<Member>(make: (name: string) => Member): object {
  const made = new Map<string, Member>();
  return new Proxy(made, {
    get: (_target, name) => {
      if (typeof name !== 'string' || name === 'then') return undefined;
      if (!made.has(name)) made.set(name, make(name));
      return made.get(name);
    },
  });
}
