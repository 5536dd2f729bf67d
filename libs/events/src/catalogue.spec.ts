import { describe, expect, it } from '@jest/globals';
import { type Audience, event, mayBeTold } from './catalogue.js';

class Nothing {}
const kind = (name: string, visibleTo: Audience[] = ['everyone']) =>
  event(name, { version: 1, payload: Nothing, description: '', visibleTo });

describe('the catalogue of events', () => {
  it('knows each name once', () => {
    kind('ship.sailed');
    expect(() => kind('ship.sailed')).toThrow('ship.sailed is defined twice');
  });

  it.each(['Ship.sailed', 'ship', 'ship.', '.sailed', 'ship.sailed.far', 'ship sailed', `ship.${'s'.repeat(60)}`])(
    'refuses the name %j',
    (name) => {
      expect(() => kind(name)).toThrow('like order.paid');
    },
  );
});

describe('an event', () => {
  const ada = { id: 'ada', can: () => false };
  const clerk = { id: 'clerk', can: (permission: string) => permission === 'ships:read' };
  const told = (name: string, subjectId: string | null = 'ada') =>
    [null, ada, clerk].map((reader) => mayBeTold(reader, { name, subjectId }));

  it('for everyone is told to everyone', () => {
    kind('ship.launched', ['everyone']);
    expect(told('ship.launched')).toEqual([true, true, true]);
  });

  it('for its subject is told to nobody else', () => {
    kind('ship.booked', ['subject']);
    expect(told('ship.booked')).toEqual([false, true, false]);
    expect(told('ship.booked', null)).toEqual([false, false, false]);
  });

  it('for who has a permission is told to them, and to its subject only when that is said, too', () => {
    kind('ship.inspected', ['ships:read']);
    kind('ship.paid', ['subject', 'ships:read']);
    expect(told('ship.inspected')).toEqual([false, false, true]);
    expect(told('ship.paid')).toEqual([false, true, true]);
  });

  it('of a kind that nobody knows any more is told to nobody', () => {
    expect(told('ship.forgotten')).toEqual([false, false, false]);
  });
});
