import type { EventDefinition } from '#events';

/** What a JSON schema says, as far as the page shows it. */
interface Schema {
  type?: string;
  format?: string;
  enum?: unknown[];
  items?: Schema;
  $ref?: string;
  allOf?: Schema[];
  description?: string;
  example?: unknown;
  properties?: Record<string, Schema>;
}

const INTRODUCTION = `# Events

What happens in the application, as facts that consumers inside it, webhooks and the event stream get. Each is written in the transaction that
made it true, so there is no event of what was rolled back and nothing happens without its event. Payloads hold ids, money and states, never text
that somebody wrote: who needs more reads the resource, with the permissions it takes.

Written by \`npm run openapi\` from the catalogue in \`src/*/*.events.ts\`; the check fails when it is not true any more.

## Every event

| member | |
|---|---|
| \`id\` | UUIDv7; the same however often the event is delivered |
| \`name\`, \`version\` | which of the kinds below; the version counts up when the payload changes in a way that breaks its readers |
| \`resource\` | \`{ type, id }\` of what it happened to; events of one resource come in their order |
| \`actorId\` | who did it; null when no user did (a guest, a schedule, a time that ran out) |
| \`subjectId\` | whose event it is |
| \`payload\` | as below |
| \`requestId\` | the \`X-Request-Id\` of the call that caused it |
| \`occurredAt\` | RFC 3339, UTC |
| \`cursor\` | its place in the log |
`;

/** `docs/events.md`: the catalogue for people. `schemas` are those of the payload classes, by name. */
export function eventsPage(catalogue: Iterable<EventDefinition>, schemas: Record<string, object>): string {
  const kinds = [...catalogue].sort((a, b) => a.name.localeCompare(b.name));
  const list = kinds.map(({ name, description }) => `| [\`${name}\`](#${name.replace('.', '')}) | ${description} |`);
  const sections = kinds.map((kind) => sectionOf(kind, schemas as Record<string, Schema>));
  return [INTRODUCTION, ['## Kinds', '', '| event | when |', '|---|---|', ...list, ''].join('\n'), ...sections].join('\n');
}

function sectionOf({ name, version, resource, description, visibleTo, payload }: EventDefinition, schemas: Record<string, Schema>): string {
  const members = Object.entries(schemas[payload.name]?.properties ?? {}).map(
    ([member, schema]) => `| \`${member}\` | ${typeOf(schema, schemas)} | ${textOf(schema)} |`,
  );
  return [
    `## ${name}`,
    '',
    `${description} Version ${version}; happens to: \`${resource}\`; told to: ${visibleTo.map(audienceText).join(', ')}.`,
    '',
    ...(members.length === 0 ? ['The payload is empty.'] : ['| payload | type | |', '|---|---|---|', ...members]),
    '',
  ].join('\n');
}

function audienceText(audience: string): string {
  if (audience === 'everyone') return 'everyone';
  return audience === 'subject' ? 'its subject' : `who has \`${audience}\``;
}

function typeOf(schema: Schema, schemas: Record<string, Schema>): string {
  const reference = schema.$ref ?? schema.allOf?.[0]?.$ref;
  if (reference !== undefined) {
    const members = schemas[reference.split('/').at(-1)!]?.properties ?? {};
    return `{ ${Object.entries(members)
      .map(([member, inner]) => `${member}: ${typeOf(inner, schemas)}`)
      .join(', ')} }`;
  }
  if (schema.type === 'array') return `list of ${typeOf(schema.items ?? {}, schemas)}`;
  if (schema.enum) return schema.enum.map((value) => `\`${String(value)}\``).join(', ');
  return schema.format ?? schema.type ?? 'any';
}

function textOf({ description = '', example }: Schema): string {
  return [description.trim(), ...(example === undefined ? [] : [`Example: \`${JSON.stringify(example)}\``])].filter(Boolean).join(' ');
}
