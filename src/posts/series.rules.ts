import type { Actor } from '#security';

/** What the rules look at. */
interface SeriesFacts {
  ownerId: string;
  /** How many of its posts everybody may read. */
  postCount: number;
}

export function mayChangeSeries(actor: Actor | null, { ownerId }: Pick<SeriesFacts, 'ownerId'>): boolean {
  return actor !== null && (ownerId === actor.id || actor.can('posts:manage'));
}

/** A series is everybody's once something in it is. */
export function maySeeSeries(actor: Actor | null, series: SeriesFacts): boolean {
  return series.postCount > 0 || mayChangeSeries(actor, series);
}

/** What one or several series are made of for strangers; what is its owner's alone is kept for nobody. */
export function seriesMadeOf(series: readonly { owner: { id: string }; postCount: number }[], of: readonly string[]): string[] | null {
  if (series.some(({ postCount }) => postCount === 0)) return null;
  return [...new Set([...of, ...series.map(({ owner }) => `user:${owner.id}`)])];
}
