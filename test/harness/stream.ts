import { type IncomingMessage, request } from 'node:http';
import { eventually } from './eventually.js';

/** An event, or what stands between events: fields as they came, several lines of `data` as one text. */
export interface Frame {
  id?: string;
  event?: string;
  data?: string;
  retry?: string;
  comment?: string;
}

/** Reads server-sent events straight from the socket, so that nothing a client library overlooks goes unseen. */
export interface StreamReader {
  status: number;
  headers: IncomingMessage['headers'];
  /** All so far. */
  frames: Frame[];
  /** The JSON of the events so far. */
  events: () => ToldEvent[];
  /** What came, to the byte. */
  text: () => string;
  /** Whether the server has ended it, or cut it off. */
  over: () => 'ended' | 'cut' | undefined;
  /** Takes nothing more from the socket. */
  pause: () => void;
  close: () => void;
}

export interface ToldEvent {
  id: string;
  name: string;
  version: number;
  resource: { type: string; id: string };
  actorId: string | null;
  subjectId: string | null;
  payload: Record<string, unknown>;
  requestId: string | null;
  occurredAt: string;
  cursor: string;
}

interface Opening {
  token?: string;
  lastEventId?: string;
  search?: string;
}

/** Opens an event stream on a connection of its own, and resolves when its first frame is there (or its refusal is whole). */
export async function openStream(url: string, { token, lastEventId, search = '' }: Opening = {}): Promise<StreamReader> {
  const headers = {
    accept: 'text/event-stream',
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
  };
  const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${url}/api/v1/events/stream${search}`, { headers, agent: false }, resolve).once('error', reject).end();
  });
  let text = '';
  let read = 0;
  const frames: Frame[] = [];
  const events: ToldEvent[] = [];
  /** Looks at what is new only: tests ask again and again while megabytes arrive. */
  const advance = () => {
    // Sticky: what has come of a block that is not whole is looked through once, not from each of its characters on.
    for (const [whole, block] of text.slice(read).matchAll(/([^]*?)(?:\r\n\r\n|\n\n|\r\r)/gy)) {
      read += whole.length;
      const frame = frameOf(block!);
      frames.push(frame);
      if (frame.data && frame.event !== 'reset') events.push(JSON.parse(frame.data) as ToldEvent);
    }
  };
  let over: 'ended' | 'cut' | undefined;
  incoming.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  incoming.once('end', () => (over ??= 'ended')).once('error', () => (over ??= 'cut'));
  incoming.once('close', () => (over ??= 'cut'));
  const reader: StreamReader = {
    status: incoming.statusCode!,
    headers: incoming.headers,
    get frames() {
      advance();
      return [...frames];
    },
    events: () => {
      advance();
      return [...events];
    },
    text: () => text,
    over: () => over,
    pause: () => incoming.pause(),
    close: () => incoming.destroy(),
  };
  await eventually(() => over !== undefined || text.includes('\n\n'));
  return reader;
}

/** By the letter of the specification (WHATWG HTML, 9.2.6), where every field counts, also those of blocks without data. */
function frameOf(block: string): Frame {
  const frame: Record<string, string> = {};
  for (const line of block.split(/\r\n|\n|\r/)) {
    const [, name, value] = /^([^:]*):? ?(.*)$/s.exec(line)!;
    const field = name === '' ? 'comment' : name!;
    frame[field] = field in frame ? `${frame[field]}\n${value}` : value!;
  }
  return frame;
}
