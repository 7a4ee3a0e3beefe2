import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs';
import { canonicalJson, formatInstant } from '../../core/index.ts';
import type { Notifier } from '../../exceptions/index.ts';

/**
 * Who is told what, one JSON object a line, for a mail program or a person to read. A repeated notification is not written twice. Not synced: what
 * happened stands in the record of events, this file only tells of it. A torn last line is cut off on opening.
 */
export function notificationFile(file: string): Notifier {
  const ids = new Set<unknown>();
  if (existsSync(file)) {
    const text = readFileSync(file, 'utf8');
    const whole = text.slice(0, text.lastIndexOf('\n') + 1);
    if (whole.length < text.length) truncateSync(file, Buffer.byteLength(whole));
    for (const line of whole.split('\n')) {
      const [, id] = /"id":"([^"]*)"/.exec(line) ?? [];
      if (id !== undefined) ids.add(id);
    }
  }
  return {
    async notify(notification) {
      if (ids.has(notification.id)) return;
      const { at, until, ...rest } = notification;
      const line = {
        ...rest,
        at: formatInstant(at),
        ...(until === undefined ? {} : { until: formatInstant(until) }),
      };
      appendFileSync(file, `${canonicalJson(line)}\n`, { mode: 0o600 });
      ids.add(notification.id);
    },
  };
}
