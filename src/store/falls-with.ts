import type { ArtifactKeys, ArtifactKind } from '../oidc/artifact-store.ts';
import type { Subject } from './artifact-rows.ts';

/** Whose end ends an artifact: a session falls with its uid and with the id it goes by, all else with what it is bound to. */
export function fallsWith(kind: ArtifactKind, idHash: string, { uid, grantId, sessionUid }: ArtifactKeys): Subject[] {
  if (kind === 'Session') return [`session:${uid}`, `session-id:${idHash}`];
  const subjects: Subject[] = [];
  if (grantId) subjects.push(`grant:${grantId}`);
  if (sessionUid) subjects.push(`session:${sessionUid}`);
  return subjects;
}
