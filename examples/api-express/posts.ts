import { randomUUID } from 'node:crypto';
import { Problem } from './problem.ts';

export interface Post {
  id: string;
  /** The `sub` of whoever wrote it: a person, or a machine. */
  owner: string;
  text: string;
  published: boolean;
}

const MOST_POSTS = 1_000;
const LONGEST_POST = 500;

export type Posts = ReturnType<typeof createPosts>;

/** In memory: gone when the program ends. */
export function createPosts() {
  const byId = new Map<string, Post>();
  const all = (): Post[] => [...byId.values()];
  const of = (owner: string): Post[] => all().filter((post) => post.owner === owner);

  return {
    all,
    of,
    /** @throws {Problem} 404 also where it is somebody else's: that it exists is nobody's business. */
    ownOf(owner: string, id: string): Post {
      const post = byId.get(id);
      if (post?.owner !== owner) throw new Problem(404, 'not_found', 'There is no such post');
      return post;
    },
    /** @throws {Problem} 400 where it is not `{ text }`, 409 where there are too many. */
    add(owner: string, input: unknown): Post {
      const text = typeof input === 'object' && input !== null && 'text' in input ? input.text : undefined;
      if (typeof text !== 'string' || text.trim() === '' || text.length > LONGEST_POST) {
        throw new Problem(400, 'invalid_request', `"text" must be a string of 1 to ${LONGEST_POST} characters`);
      }
      if (byId.size >= MOST_POSTS) throw new Problem(409, 'too_many_posts', `At most ${MOST_POSTS} posts are kept`);
      const post = { id: randomUUID(), owner, text: text.trim(), published: false };
      byId.set(post.id, post);
      return post;
    },
    /** False where there was none. */
    remove: (id: string): boolean => byId.delete(id),
  };
}
