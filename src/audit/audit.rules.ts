/** What `?resource=` names. */
export interface ResourceFilter {
  type?: string;
  id?: string;
}

const ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** `order`, `order:<id>` (or `order/<id>`), or an id alone. */
export function resourceFilter(text: string): ResourceFilter {
  if (ID.test(text)) return { id: text.toLowerCase() };
  const [, type, id] = /^([a-z-]+)(?:[:/](.+))?$/.exec(text) ?? [];
  return { ...(type !== undefined && { type }), ...(id !== undefined && { id: ID.test(id) ? id.toLowerCase() : id }) };
}
