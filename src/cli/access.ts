import type { AccountId } from '../core/index.ts';
import {
  CATALOGUE,
  type Holder,
  type KnownPrincipal,
  type PermissionDecision,
  personWords,
  SHOWN_PEOPLE,
} from '../iam/index.ts';

export const ACCESS_SCHEMA_VERSION = 1;

/** Which list of actions an answer rests on. */
export const catalogueJson = { source: CATALOGUE.source, version: CATALOGUE.version, date: CATALOGUE.date };

export const principalJson = ({ type, arn, name, accountId, accountName, givenTo }: KnownPrincipal) => ({
  type,
  arn,
  name,
  accountId,
  accountName,
  ...(givenTo === undefined
    ? {}
    : {
        givenTo: givenTo.map(({ words, people, notRead }) => ({
          words,
          ...(people === undefined ? { notRead } : { people }),
        })),
      }),
});

export const decisionJson = (decision: PermissionDecision) => ({
  action: decision.action,
  decision: decision.kind,
  ...(decision.kind === 'denied' ? { because: decision.because } : {}),
  ...(decision.kind === 'cannot-decide' ? { reason: decision.reason, detail: decision.detail } : {}),
  statements: decision.statements,
});

/** ``group `Developers` (user `ada`, user `bob`)``. */
function holderWords({ words, principalType, people }: Holder): string {
  if (principalType !== 'GROUP') return words;
  if (people === undefined) return `${words} (whose members were not read)`;
  if (people.length === 0) return `${words} (nobody is in it)`;
  const more = people.length > SHOWN_PEOPLE ? `, and ${people.length - SHOWN_PEOPLE} more` : '';
  return `${words} (${people.slice(0, SHOWN_PEOPLE).map(personWords).join(', ')}${more})`;
}

/** A principal as a line shows it. */
export const principalWords = ({ type, name, accountName, accountId, givenTo }: KnownPrincipal): string =>
  type === 'root'
    ? `the root user of ${accountName} (${accountId})`
    : `${type} \`${name}\` of ${accountName} (${accountId})${givenTo === undefined ? '' : `, given by IAM Identity Center to ${givenTo.map(holderWords).join(' and ')}`}`;

export const isOfAccounts =
  (accounts: readonly AccountId[] | undefined) =>
  ({ accountId }: KnownPrincipal): boolean =>
    accounts === undefined || accounts.includes(accountId);
