import type { ReleaseItemResponse } from '../../src/releases/items.dto.js';
import type { ReleaseResponse } from '../../src/releases/releases.dto.js';
import type { Answer, Client } from './client.js';
import { type Person, unique } from './people.js';
import type { Wire } from './wire.js';

export type ReleaseBody = Wire<ReleaseResponse>;
export type ItemBody = Wire<ReleaseItemResponse>;

type Server = Pick<Client, 'request'>;

/** A release of these changes, made by somebody who may make each of them. */
export async function aRelease(server: Server, by: Person, ...items: object[]): Promise<ReleaseBody & { itemIds: string[] }> {
  const token = by.accessToken;
  const made = async <Body extends object>(path: string, body: object): Promise<Body> => {
    const answer: Answer<Body> = await server.request<Body>('POST', path, { token, body });
    if (answer.status !== 201) throw new Error(`POST ${path} was answered ${answer.status}: ${answer.text}`);
    return answer.body;
  };
  const { id } = await made<ReleaseBody>('releases', { name: `Release ${unique()}` });
  const itemIds: string[] = [];
  for (const item of items) itemIds.push((await made<ItemBody>(`releases/${id}/items`, item)).id);
  return { ...(await server.request<ReleaseBody>('GET', `releases/${id}`, { token })).body, itemIds };
}
