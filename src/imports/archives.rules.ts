/** Whether bytes begin as those of a ZIP do, an empty one among them. */
export function isZip(head: Uint8Array): boolean {
  const [p, k, three, four] = head;
  return p === 0x50 && k === 0x4b && ((three === 3 && four === 4) || (three === 5 && four === 6));
}

export function isMarkdown(name: string): boolean {
  return /\.(?:md|markdown|mdx)$/i.test(name);
}
