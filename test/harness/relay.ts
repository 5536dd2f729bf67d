import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A TCP relay in front of a server, to do to its connections what networks do. */
export interface Relay {
  /** The address of the relay in place of the server's. */
  url: string;
  /** Breaks every connection and refuses new ones. */
  cut(): void;
  /** Takes new connections again. */
  mend(): void;
  /** Lets nothing through any more, in either direction, without a word; connections stay. */
  freeze(): void;
  close(): Promise<void>;
}

/** `overheard` is handed each packet on its way to the server. */
export async function startRelay(target: string, overheard?: (packet: Buffer) => void): Promise<Relay> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  let refusing = false;
  const server = createServer((near) => {
    if (refusing) return void near.destroy();
    const far = connect(Number(port), hostname);
    if (overheard) near.on('data', overheard);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined); // the end of either is the end of both
      socket.once('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(target);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  const breakAll = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    cut: () => {
      refusing = true;
      breakAll();
    },
    mend: () => {
      refusing = false;
    },
    freeze: () => {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    close: async () => {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
