import type { RoleStore } from '../../src/authorization/store.ts';
import { BY_OPERATOR } from '../../src/lib/by.ts';
import { newId } from '../../src/lib/ids.ts';
import { NOTES_API, NOTES_PERMISSIONS } from './clients.ts';

const AUTHOR = 'author';

/** What `gatewright role create --everyone` does: whoever tries the demo may write notes. */
export async function addRoles(roles: RoleStore): Promise<void> {
  if (await roles.find(NOTES_API, AUTHOR)) return;
  const role = { id: newId('rol'), apiId: NOTES_API, name: AUTHOR, description: 'Reads and writes notes' };
  await roles.create({ ...role, permissions: Object.keys(NOTES_PERMISSIONS), everyone: true }, BY_OPERATOR);
}
