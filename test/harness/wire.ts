/** A response class as it arrives: JSON has no dates, only their text. */
export type Wire<T> = T extends Date
  ? string
  : T extends (infer Item)[]
    ? Wire<Item>[]
    : T extends object
      ? { [K in keyof T]: Wire<T[K]> }
      : T;

/** The names every object inherits: a validator that looks with `in` takes them for declared. */
export const INHERITED_NAMES = Object.getOwnPropertyNames(Object.prototype);
