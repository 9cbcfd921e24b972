import type { Alternative } from '../web/view-data.ts';
import { due } from './due.ts';
import type { Form } from './flow.ts';
import type { Interaction } from './interaction.ts';
import { interactionPath } from './step.ts';

/** What else the step that is due can be done with: a page of each. */
export function alternativesTo(shown: Form, interaction: Interaction): Alternative[] {
  const others = due(interaction).forms.filter((form) => form !== shown);
  return others.map((form) => ({ form, href: `${interactionPath(interaction)}?method=${form}` }));
}
