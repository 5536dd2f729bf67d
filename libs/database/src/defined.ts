/** The members of a PATCH that are there, `null` included: what is absent keeps its value, and Prisma refuses `undefined`. */
export function defined<T extends object>(changes: T): { [K in keyof T]-?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as never;
}
