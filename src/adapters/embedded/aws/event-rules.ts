import type { DatabaseSync } from 'node:sqlite';
import { type Clock, epochMs, formatInstant, type Ids } from '../../../core/index.ts';
import type { Pair } from '../../../enforcement/index.ts';
import { readDocument, writeDocument } from './database.ts';
import type { EmbeddedSchedules } from './schedules.ts';

const SWITCH = 'event-rules';
const readsSwitch = ({ accountId, region }: Pair) => `event-rules/reads/${accountId}/${region}`;
const SIGN_EVERY_MS = 6 * 3_600_000;
/** CloudTrail promises nothing; about five minutes is what AWS names as typical ("How CloudTrail works"). */
export const EVENT_DELAY_MS = 5 * 60_000;

/**
 * The event rules of the member template, off until somebody switches them on, as in an account where the template is not deployed.
 * A call becomes an event of CloudTrail's shape some minutes later; like AWS it says nothing of what was set.
 */
export function embeddedEventRules(
  database: DatabaseSync,
  clock: Clock,
  ids: Ids,
  schedules: EmbeddedSchedules,
): EmbeddedEventRules {
  const isOn = () => readDocument<boolean>(database, SWITCH) === true;
  const send = (event: Readonly<Record<string, unknown>>): void => {
    if (isOn()) deliver(event);
  };
  const deliver = (event: Readonly<Record<string, unknown>>): void => {
    const id = ids.next(32);
    const at = clock.now();
    schedules.deliverOnce(
      `event-${id}`,
      'storageEvent',
      { version: '0', id, time: formatInstant(at), resources: [], ...event },
      epochMs(at + EVENT_DELAY_MS),
    );
  };
  return {
    isOn,
    setOn: (on) => writeDocument(database, SWITCH, on),
    countReads: ({ accountId, region }) => {
      writeDocument(database, readsSwitch({ accountId, region }), true);
      const payload = {
        version: '0',
        id: ids.next(32),
        'detail-type': 'Scheduled Event',
        source: 'aws.events',
        time: formatInstant(clock.now()),
        account: accountId,
        region,
        resources: [`arn:aws:events:${region}:${accountId}:rule/ProvisoReadsForwarded`],
        detail: {},
      };
      const first = epochMs(clock.now() - SIGN_EVERY_MS);
      schedules.createRate(
        `reads-forwarded-${accountId}-${region}`,
        'storageEvent',
        SIGN_EVERY_MS,
        first,
        payload,
      );
    },
    read: ({ accountId, region }, callerArn, of) => {
      if (readDocument<boolean>(database, readsSwitch({ accountId, region })) !== true) return;
      const isObject = 'bucketName' in of;
      deliver({
        'detail-type': 'AWS API Call via CloudTrail',
        source: isObject ? 'aws.s3' : 'aws.logs',
        account: accountId,
        region,
        detail: {
          eventVersion: '1.11',
          eventSource: isObject ? 's3.amazonaws.com' : 'logs.amazonaws.com',
          eventName: isObject ? 'GetObject' : 'FilterLogEvents',
          eventTime: formatInstant(clock.now()),
          awsRegion: region,
          recipientAccountId: accountId,
          readOnly: true,
          managementEvent: !isObject,
          eventCategory: isObject ? 'Data' : 'Management',
          requestParameters: of,
          userIdentity: { type: 'AssumedRole', arn: callerArn, accountId },
        },
      });
    },
    called: ({ accountId, region }, eventSource, eventName, callerArn) =>
      send({
        'detail-type': 'AWS API Call via CloudTrail',
        source: `aws.${eventSource.split('.')[0] ?? ''}`,
        account: accountId,
        region,
        detail: {
          eventVersion: '1.11',
          eventSource,
          eventName,
          eventTime: formatInstant(clock.now()),
          awsRegion: region,
          recipientAccountId: accountId,
          readOnly: false,
          managementEvent: true,
          eventCategory: 'Management',
          userIdentity: { type: 'AssumedRole', arn: callerArn, accountId },
        },
      }),
    stopped: (machine, name, status) =>
      send({
        'detail-type': 'Step Functions Execution Status Change',
        source: 'aws.states',
        account: '000000000000',
        region: 'us-east-1',
        detail: {
          executionArn: `arn:aws:states:us-east-1:000000000000:execution:proviso-${machine}:${name}`,
          stateMachineArn: `arn:aws:states:us-east-1:000000000000:stateMachine:proviso-${machine}`,
          name,
          status,
        },
      }),
  };
}

export interface EmbeddedEventRules {
  isOn(): boolean;
  setOn(on: boolean): void;
  /** Reads are forwarded from there from now on, with a sign every 6 hours. */
  countReads(pair: Pair): void;
  /** Somebody read an object, or the events of a log group. */
  read(
    pair: Pair,
    callerArn: string,
    of: { readonly bucketName: string; readonly key: string } | { readonly logGroupName: string },
  ): void;
  /** A write call that succeeded. */
  called(pair: Pair, eventSource: string, eventName: string, callerArn: string): void;
  /** An execution that did not end by itself. */
  stopped(machine: 'exception' | 'ending', name: string, status: 'FAILED' | 'TIMED_OUT' | 'ABORTED'): void;
}
