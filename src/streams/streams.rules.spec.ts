import { describe, expect, it } from '@jest/globals';
import { eventFrame, heartbeatFrame, kindsIn, openingFrame, resetFrame } from './streams.rules.js';

const KNOWN = ['order.paid', 'order.placed', 'order-line.added', 'post.published'];
const kinds = (list: string) => [...(kindsIn(list, KNOWN) ?? ['unknown'])];

describe('a list of kinds', () => {
  it('means the kinds it names, and with a star all about one thing', () => {
    expect(kinds('order.paid')).toEqual(['order.paid']);
    expect(kinds('order.*')).toEqual(['order.paid', 'order.placed']);
    expect(kinds('post.*,order.paid,order.*')).toEqual(['post.published', 'order.paid', 'order.placed']);
  });

  it.each([
    '',
    ',',
    'order',
    'order.',
    '*',
    '.*',
    '*.*',
    'order*',
    'o.*',
    'order.paid,',
    'order.paid, post.published',
    'ORDER.PAID',
    'order.p*',
  ])('means nothing when a part of it is unknown: %j', (list) => expect(kindsIn(list, KNOWN)).toBeNull());
});

describe('an event', () => {
  const event = {
    id: '0199f3a1-7c1e-7b3a-9a4e-0d6f1c2b3a49',
    name: 'order.paid',
    version: 1,
    cursor: '00000000000003e9',
    resource: { type: 'order', id: 'x' },
    actorId: null,
    subjectId: null,
    payload: { orderId: 'x' },
    requestId: null,
    traceId: 'a'.repeat(32),
    occurredAt: new Date('2030-01-01T08:00:00Z'),
  };

  it('is three fields and an empty line, its data one line of JSON', () => {
    const lines = eventFrame(event).split('\n');
    expect(lines).toEqual(['id: 00000000000003e9', 'event: order.paid', expect.stringMatching(/^data: \{/), '', '']);
    const { traceId: _, ...told } = event;
    expect(JSON.parse(lines[2]!.slice(6))).toEqual({ ...told, occurredAt: '2030-01-01T08:00:00.000Z' });
  });

  it.each(['\n', '\r', '\r\n', '\n\nevent: x\ndata: y\n\n', '\u2028', '\0'])('stays one line whatever its payload holds: %j', (text) => {
    const frame = eventFrame({ ...event, payload: { text, [text]: 1 }, resource: { type: 'order', id: text } });
    expect(frame.split(/\r\n|\n|\r/)).toHaveLength(5);
    expect(JSON.parse(frame.split('\n')[2]!.slice(6))).toMatchObject({ payload: { text, [text]: 1 } });
  });
});

describe('what stands between events', () => {
  it('says where to resume', () => {
    expect(heartbeatFrame('00000000000003e9')).toBe(': heartbeat\nid: 00000000000003e9\n\n');
    expect(resetFrame('expired', '00000000000003e9')).toBe(
      'id: 00000000000003e9\nevent: reset\ndata: {"reason":"expired","cursor":"00000000000003e9"}\n\n',
    );
  });

  it('has not all readers come back at once', () => {
    expect(openingFrame('00000000000003e9', 0)).toBe('retry: 1000\nid: 00000000000003e9\n\n');
    expect(openingFrame('00000000000003e9', 1)).toBe('retry: 3000\nid: 00000000000003e9\n\n');
  });
});
