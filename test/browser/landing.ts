import http from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Landing {
  /** Where the server sends the browser back to. */
  callback: string;
  /** What came in at the callback. */
  arrivals: { method: string; parameters: URLSearchParams }[];
  [Symbol.asyncDispose](): Promise<void>;
}

/** An application that sends the browser on from its callback, to a page on another origin. */
export async function startLanding(): Promise<Landing> {
  const arrivals: Landing['arrivals'] = [];
  const server = http.createServer(async (req, res) => {
    const { pathname, searchParams } = new URL(req.url ?? '', 'http://localhost');
    if (pathname === '/callback') {
      let body = '';
      for await (const chunk of req) body += chunk;
      const { method = '' } = req;
      arrivals.push({ method, parameters: method === 'POST' ? new URLSearchParams(body) : searchParams });
      // To a browser, the address in numbers is a different site.
      res.writeHead(303, { location: `http://127.0.0.1:${port}/landed` }).end();
      return;
    }
    res.setHeader('content-type', 'text/html');
    res.end('<!doctype html><title>Landed</title><link rel="icon" href="data:,"><h1>Landed</h1>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  return {
    callback: `http://localhost:${port}/callback`,
    arrivals,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
