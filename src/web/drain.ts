import type { Server, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';

/** How a server comes to rest. */
export interface Drain {
  /** Goes on serving, and closes each connection after its answer. */
  begin(): void;
  /** Accepts nobody any more. @returns when the last answer is out */
  end(): Promise<void>;
}

/**
 * The server's own way leaves those connections open that have not asked for anything yet, which browsers like to have
 * in stock, and keeps the others as long as they ask for more.
 */
export function createDrain(server: Server | HttpsServer): Drain {
  const underWay = new Map<Socket, Set<ServerResponse>>();
  /** Not through with the handshake of TLS, after which they are other objects. */
  const shaking = new Map<string, Socket>();
  let draining = false;
  let ended = false;

  function over(socket: Socket, res: ServerResponse): void {
    const answers = underWay.get(socket);
    answers?.delete(res);
    if (ended && answers?.size === 0) socket.destroySoon();
  }
  const isTls = server instanceof HttpsServer;
  if (isTls) {
    server.on('connection', (socket: Socket) => {
      const peer = peerOf(socket);
      shaking.set(peer, socket);
      socket.once('close', () => {
        if (shaking.get(peer) === socket) shaking.delete(peer);
      });
    });
  }
  server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
    shaking.delete(peerOf(socket));
    underWay.set(socket, new Set());
    socket.once('close', () => underWay.delete(socket));
  });
  // Before whoever answers: afterwards the headers may be out.
  server.prependListener('request', ({ socket }, res) => {
    if (draining) res.shouldKeepAlive = false;
    underWay.get(socket)?.add(res);
    res.once('close', () => over(socket, res));
  });

  return {
    begin() {
      draining = true;
      for (const answers of underWay.values()) for (const res of answers) res.shouldKeepAlive = false;
    },
    end() {
      ended = true;
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const [socket, answers] of underWay) if (answers.size === 0) socket.destroySoon();
      for (const socket of shaking.values()) socket.destroy();
      return closed;
    },
  };
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
