import net, { type AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** Stands before a server and can be made to keep back what goes to and fro, as a broken network does. */
export async function proxyTo(url: string) {
  let target = new URL(url);
  const sockets = new Set<net.Socket>();
  let holds = false;
  let connections = 0;

  const server = net.createServer((near) => {
    connections += 1;
    const far = net.connect(Number(target.port), target.hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy()).on('close', () => to.destroy());
      from.on('data', (data) => {
        if (!holds) to.write(data);
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `redis://127.0.0.1:${port}/0`,
    connections: () => connections,
    /** Only for connections made from now on, as when an address moves. */
    leadTo(url: string) {
      target = new URL(url);
    },
    hold(on: boolean) {
      holds = on;
    },
  };
}
