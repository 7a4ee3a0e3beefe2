import { formatInstant } from '../../core/index.ts';
import type { LoadedPolicy } from '../../policy/index.ts';
import { printable } from '../terminal/index.ts';
import type { Suppression, SuppressionSet } from './suppressions.ts';

/**
 * Skips of Checkov: comments for the block of exactly the resources that need them (Checkov documentation, "Suppressing and Skipping Policies":
 * `checkov:skip=CHECK:REASON` in the block of a resource). Checkov reads code and knows neither accounts nor an expiry, so each comment says
 * both, and a skip for a whole repository (`--skip-check`), which would hide other resources too, is never written.
 */
export function checkovSkips(set: SuppressionSet, { policy, hash }: LoadedPolicy): string {
  const head = [
    'Skips for Checkov, made by `proviso export --for checkov`. Put each into the block of its resource, and take it out again at its end.',
    `Policy ${policy.metadata.id} ${policy.metadata.version}, hash ${hash}`,
    `As of ${formatInstant(set.asOf)}. NOT VALID FROM ${formatInstant(set.validUntil)} ON: Checkov knows no expiry, so make them`,
    'again before then, and let the build fail on a skip whose end is past.',
  ];
  const places = [...Map.groupBy(set.suppressions, placeOf)].flatMap(([place, skips]) => [
    '',
    `# ${printable(place)}`,
    ...skips.map(
      ({ check, until, reason }) =>
        `#checkov:skip=${check}:${printable(`Until ${formatInstant(until)}: ${reason}`)}`,
    ),
  ]);
  const none =
    places.length === 0 ? ['', '# No exception is live, so no check of Checkov opposes the policy.'] : [];
  return `${[...head.map((line) => `# ${printable(line)}`), ...places, ...none].join('\n')}\n`;
}

const placeOf = ({ resource, accountId, region }: Suppression): string =>
  `${resource?.kind === 'log-group' ? 'log group' : 'bucket'} ${resource?.name ?? ''} in ${accountId} ${region}`;
