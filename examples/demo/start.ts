import type { Config } from '../../src/config/config.ts';
import { OperatorProblem } from '../../src/lib/errors.ts';
import type { Logger } from '../../src/lib/log.ts';
import { startServer } from '../../src/server.ts';
import { startMicroservice } from '../microservice/server.ts';
import { startSinglePageApp } from '../single-page-app/server.ts';
import { startWebApp } from '../web-app/server.ts';
import { addClients, NOTES, SINGLE_PAGE_APP, WEB_APP } from './clients.ts';
import { type Credentials, openCredentials } from './credentials.ts';
import { addPeople } from './people.ts';
import { addRoles } from './roles.ts';

export interface DemoOptions {
  config: Config;
  log: Logger;
  ports: { webApp: number; singlePageApp: number; microservice: number };
}

export interface Demo {
  issuer: string;
  siteName: string;
  folder: string;
  urls: { webApp: string; singlePageApp: string; microservice: string };
  credentials: Credentials;
  close(): Promise<void>;
}

interface Closable {
  close(): Promise<void>;
}

/**
 * A whole Gatewright with people, clients and the three examples. What an earlier start made is used again.
 * @throws {OperatorProblem} when a port is in use or the data is not usable; nothing is left running then
 */
export async function startDemo({ config, log, ports }: DemoOptions): Promise<Demo> {
  const { issuer, siteName, folders } = config;
  const running: Closable[] = [];
  const close = async () => {
    // The applications first: they have connections open to the server.
    for (const each of running.toReversed()) await each.close();
  };
  const keep = async <T extends Closable>(starting: Promise<T>): Promise<T> => {
    const started = await starting;
    running.push(started);
    return started;
  };

  const urls = {
    webApp: `http://localhost:${ports.webApp}`,
    singlePageApp: `http://localhost:${ports.singlePageApp}`,
    microservice: `http://localhost:${ports.microservice}`,
  };
  const say = (line: string) => log.info(line);
  const api = { apiUrl: urls.microservice, resource: NOTES };
  try {
    const server = await keep(startServer(config, { log }));
    const credentials = openCredentials(folders.data);
    const { accounts, clients, roles } = server.app.stores;
    await addPeople(accounts, config, credentials);
    await addClients(clients, urls, credentials.webAppSecret);
    await addRoles(roles);

    const web = { issuer, clientId: WEB_APP, clientSecret: credentials.webAppSecret, port: ports.webApp };
    await keep(onPort(ports.webApp, 'WEB_APP_PORT', startWebApp({ ...web, ...api, log: say })));
    const spa = { issuer, clientId: SINGLE_PAGE_APP, port: ports.singlePageApp };
    await keep(onPort(ports.singlePageApp, 'SINGLE_PAGE_APP_PORT', startSinglePageApp({ ...spa, ...api })));
    const notes = { issuer, audience: NOTES, port: ports.microservice, allowedOrigins: [urls.singlePageApp] };
    await keep(onPort(ports.microservice, 'MICROSERVICE_PORT', startMicroservice({ ...notes, log: say })));
    return { issuer, siteName, folder: folders.data, urls, credentials, close };
  } catch (err) {
    await close();
    throw err;
  }
}

async function onPort<T>(port: number, setting: string, starting: Promise<T>): Promise<T> {
  return starting.catch((err: NodeJS.ErrnoException) => {
    if (err.code !== 'EADDRINUSE') throw err;
    throw new OperatorProblem(`port ${port} is in use: stop what uses it, or set ${setting} to another`, {
      cause: err,
    });
  });
}
