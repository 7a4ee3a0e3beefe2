import { formatInstant, type RecordedEvent } from '../core/index.ts';
import type { CommandContext } from './context.ts';
import { printable, wrap } from './terminal/index.ts';

/** One event a paragraph: when, then what, wrapped below itself. */
export function timelineLines(
  events: readonly RecordedEvent[],
  { width }: Pick<CommandContext, 'width'>,
): readonly string[] {
  return events.flatMap((event) => {
    const at = formatInstant(event.at);
    return wrap(printable(`${at}  ${saysOf(event)}`), width, '', ' '.repeat(22));
  });
}

/** Every event of ours says in words what happened; one of a later version still has its type. */
export const saysOf = ({ type, data }: RecordedEvent): string =>
  typeof data['says'] === 'string' ? data['says'] : type;
