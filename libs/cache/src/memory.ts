import { LRUCache } from 'lru-cache';
import type { Tag, Value } from './value.js';

/** A value in this process. Times are those of `performance.now()`, which no change of the clock moves. */
export interface Entry {
  value: Value;
  tags: readonly Tag[];
  /** When what it was made of was known to be so. */
  since: number;
  until: number;
}

/** What an entry takes beyond its body, about. */
const ENTRY_BYTES = 600;
const TAG_BYTES = 120;

/** The first level: the most recently used values, bounded in bytes, found by key and by tag. */
export class Memory {
  private readonly entries: LRUCache<string, Entry>;
  private readonly keysOf = new Map<Tag, Set<string>>();

  constructor(maxBytes: number) {
    this.entries = new LRUCache({
      maxSize: maxBytes,
      maxEntrySize: Math.ceil(maxBytes / 8),
      sizeCalculation: ({ value, tags }, key) => ENTRY_BYTES + value.body.length + key.length * 2 + tags.length * TAG_BYTES,
      dispose: ({ tags }, key) => this.unlist(key, tags),
    });
  }

  get(key: string): Entry | undefined {
    return this.entries.get(key);
  }

  set(key: string, entry: Entry): void {
    this.entries.set(key, entry);
    if (!this.entries.has(key)) return; // larger than one may be
    for (const tag of entry.tags) {
      const keys = this.keysOf.get(tag);
      if (keys) keys.add(key);
      else this.keysOf.set(tag, new Set([key]));
    }
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  /** Drops what bears the tag; how much that was. */
  drop(tag: Tag): number {
    const keys = [...(this.keysOf.get(tag) ?? [])];
    for (const key of keys) this.entries.delete(key);
    return keys.length;
  }

  clear(): void {
    this.entries.clear();
  }

  get size(): { entries: number; bytes: number; tags: number } {
    return { entries: this.entries.size, bytes: this.entries.calculatedSize, tags: this.keysOf.size };
  }

  private unlist(key: string, tags: readonly Tag[]): void {
    for (const tag of tags) {
      const keys = this.keysOf.get(tag);
      if (keys?.delete(key) && keys.size === 0) this.keysOf.delete(tag);
    }
  }
}
