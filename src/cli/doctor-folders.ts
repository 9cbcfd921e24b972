import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { type Finding, note, ok, problem, warning } from './finding.ts';

const FOR_OTHERS = 0o077;
/** What holds secrets; documentation beside it may be read by everybody. */
const SECRET = /\.(db|db-wal|db-shm|json)$|^setup-link$/;

export function checkFolder(check: string, variable: string, folder: string): Finding[] {
  const where = path.resolve(folder);
  try {
    const { mode, uid } = statSync(folder);
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK);

    const open = (mode & FOR_OTHERS) === 0 ? [] : [warning(check, `${where} is ${octal(mode)}: chmod 700 ${where}`)];
    const foreign = uid === process.getuid?.() ? [] : [owner(check, where, uid)];
    const found = [...open, ...foreign, ...files(check, folder)];
    return found.length > 0 ? found : [ok(check, `${where} is writable, and for this user only`)];
  } catch (err) {
    const { code, path: culprit = where } = err as NodeJS.ErrnoException;
    if (code === 'ENOENT' && culprit === folder) return [missing(check, where)];
    return [
      problem(
        check,
        `${path.resolve(culprit)} cannot be used (${code}): give it to the user that runs Gatewright, or set ${variable}`,
      ),
    ];
  }
}

function missing(check: string, where: string): Finding {
  let parent = path.dirname(where);
  while (!existsSync(parent)) parent = path.dirname(parent);
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
    return note(check, `${where} is not there yet: the server makes it when it starts`);
  } catch {
    return problem(
      check,
      `${where} is not there and ${parent} is not writable: make it for the user that runs Gatewright`,
    );
  }
}

function files(check: string, folder: string): Finding[] {
  return readdirSync(folder)
    .filter((name) => SECRET.test(name))
    .flatMap((name) => {
      const file = path.resolve(folder, name);
      const { mode } = statSync(file);
      return (mode & FOR_OTHERS) === 0
        ? []
        : [problem(check, `${file} is ${octal(mode)}, others can get at it: chmod 600 ${file}`)];
    });
}

function owner(check: string, where: string, uid: number): Finding {
  return warning(check, `${where} belongs to user ${uid}: run Gatewright and this command as that user`);
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}
