import { describe, expect, it } from '@jest/globals';
import type { EventDefinition } from '#events';
import { eventsPage } from './events-page.rules.js';

class Payload {}
const ship: EventDefinition = {
  name: 'ship.launched',
  version: 2,
  resource: 'ship',
  payload: Payload,
  description: 'A ship was launched.',
  visibleTo: ['everyone', 'subject', 'ships:read'],
};
const anchor: EventDefinition = { ...ship, name: 'anchor.weighed', description: 'It is up.', visibleTo: ['subject'] };

/** The rows of the table of what the payload holds. */
function rowsOf(properties: object, others: Record<string, object> = {}): string[] {
  const page = eventsPage([ship], { Payload: { properties }, ...others });
  const [, table = ''] = page.split('| payload | type | |\n|---|---|---|\n');
  return table.trimEnd().split('\n');
}

describe('the page of all events', () => {
  it('begins with what every event has', () => {
    const page = eventsPage([], {});
    expect(page).toMatch(/^# Events\n/);
    for (const member of ['id', 'name', 'resource', 'actorId', 'subjectId', 'payload', 'requestId', 'occurredAt', 'cursor'])
      expect(page).toContain(`\`${member}\``);
    expect(page).toMatch(/## Kinds\n\n\| event \| when \|\n\|---\|---\|\n$/);
  });

  it('lists the kinds by name, each with a link to what it says of it', () => {
    const page = eventsPage([ship, anchor], {});
    expect(page).toContain(
      '| [`anchor.weighed`](#anchorweighed) | It is up. |\n| [`ship.launched`](#shiplaunched) | A ship was launched. |\n\n',
    );
    expect(page.indexOf('\n## anchor.weighed\n')).toBeGreaterThan(0);
    expect(page.indexOf('\n## anchor.weighed\n')).toBeLessThan(page.indexOf('\n## ship.launched\n'));
  });

  it('says when a kind happens, to what, and who is told', () => {
    expect(eventsPage([ship], {})).toContain(
      '## ship.launched\n\nA ship was launched. Version 2; happens to: `ship`; told to: everyone, its subject, who has `ships:read`.\n',
    );
  });

  it('says that a payload is empty', () => {
    expect(eventsPage([ship], {})).toMatch(/\n\nThe payload is empty\.\n$/);
    expect(eventsPage([ship], { Payload: { properties: {} } })).toContain('The payload is empty.');
  });

  it('describes each member of a payload', () => {
    expect(
      rowsOf({
        id: { type: 'string', format: 'uuid', description: ' Whose. ', example: 'a' },
        length: { type: 'integer', example: 0 },
        state: { type: 'string', enum: ['afloat', 'sunk'], description: 'How it is.' },
        decks: { type: 'array', items: { type: 'string' } },
        crew: { type: 'array' },
        cargo: {},
      }),
    ).toEqual([
      '| `id` | uuid | Whose. Example: `"a"` |',
      '| `length` | integer | Example: `0` |',
      '| `state` | `afloat`, `sunk` | How it is. |',
      '| `decks` | list of string |  |',
      '| `crew` | list of any |  |',
      '| `cargo` | any |  |',
    ]);
  });

  it('opens what a member refers to', () => {
    const Money = { properties: { amount: { type: 'integer' }, currency: { type: 'string' } } };
    const reference = { $ref: '#/components/schemas/Money' };
    expect(rowsOf({ price: reference, toll: { allOf: [reference] }, debt: { $ref: '#/components/schemas/Debt' } }, { Money })).toEqual([
      '| `price` | { amount: integer, currency: string } |  |',
      '| `toll` | { amount: integer, currency: string } |  |',
      '| `debt` | {  } |  |',
    ]);
  });
});
