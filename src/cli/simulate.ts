import { dirname, resolve } from 'node:path';
import { clearFaults, deliver, plantFault } from '../adapters/embedded/aws/index.ts';
import type { OpenState } from '../compose.ts';
import {
  accountId,
  assertNever,
  type ExceptionId,
  epochMs,
  exceptionId,
  formatInstant,
  isExceptionId,
  parseInstant,
  principalId,
  region,
} from '../core/index.ts';
import {
  adoptForeign,
  adoptPolicy,
  decideException,
  type Pair,
  planEnforcement,
  requestException,
  revoke,
} from '../enforcement/index.ts';
import {
  approvalSubject,
  parseRequest,
  type Refusal,
  readException,
  readLeases,
  storesContent,
} from '../exceptions/index.ts';
import type { CommandContext } from './context.ts';
import { EXIT } from './exit-codes.ts';
import { CliFailure } from './failure.ts';
import { readTextFile } from './files.ts';
import { loadPolicy, malformedDocuments } from './policies.ts';
import { type Action, lengthOf } from './scenario.ts';

/** What an action came to: `refused` and `unmet` are answers that a scenario reports, not faults. */
export type Played =
  | { readonly kind: 'done' }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  | { readonly kind: 'unmet'; readonly says: string };

const SCHEDULE_TARGET = { 'dead-mans-switch': 'deadMansSwitch', sweeper: 'sweep' } as const;
const done: Played = { kind: 'done' };

/** Plays actions on a simulated state. Names given by `request` steps are known to later steps. */
export class Player {
  readonly #state: OpenState;
  readonly #context: CommandContext;
  readonly #base: string;
  readonly #names = new Map<string, ExceptionId>();

  /** @param base - the file that relative paths of actions start from, or the working directory */
  constructor(state: OpenState, context: CommandContext, base?: string) {
    this.#state = state;
    this.#context = context;
    this.#base = base === undefined ? context.cwd : dirname(resolve(context.cwd, base));
  }

  async play(action: Action): Promise<Played> {
    const played = await this.#act(action);
    await this.#state.world.pump();
    await this.#state.events.record({
      type: 'simulation.action',
      actor: { id: 'simulation', kind: 'simulation' },
      subject:
        'exception' in action && action.exception !== undefined
          ? (this.#names.get(action.exception) ?? action.exception)
          : 'simulation',
      data: { action: action.do, result: played.kind, says: `simulated: ${describe(action)}` },
    });
    return played;
  }

  async #act(action: Action): Promise<Played> {
    const { services, aws, world, simulatedClock: clock } = this.#state;
    if (clock === undefined)
      throw new CliFailure(EXIT.malformed, 'nothing can be simulated in a state with the real clock', {
        remedy: 'use a state created with `--mode simulated`',
      });
    switch (action.do) {
      case 'adopt': {
        const policy = await loadPolicy(this.#path(action.policy), this.#context);
        // Whoever plays it has read what `enforce` would do.
        const { hash } = await planEnforcement(services, policy);
        const text = await readTextFile(policy.file, this.#context);
        return refusedOr(await adoptPolicy(services, policy, text, principalId(action.as), hash));
      }
      case 'request':
        return this.#request(action);
      case 'approve':
      case 'reject': {
        const id = this.#id(action.exception);
        const record = (await readException(services.store, id))?.value;
        const policyHash = (await services.policyInForce.current()).hash;
        const decided = await decideException(services, {
          id,
          principalId: principalId(action.as),
          role: action.role,
          decision: action.do,
          ...(action.do === 'reject' && action.reason !== undefined ? { reason: action.reason } : {}),
          subjectHash: record === undefined ? '' : (approvalSubject(record, policyHash) ?? ''),
        });
        return refusedOr(decided);
      }
      case 'withdraw':
      case 'revoke':
        return refusedOr(
          await revoke(services, this.#id(action.exception), principalId(action.as), action.reason),
        );
      case 'advance': {
        const instant = action.to === undefined ? undefined : parseInstant(action.to);
        const to = instant?.ok ? instant.value : epochMs(clock.now() + lengthOf(action.by ?? '0s'));
        if (to < clock.now())
          throw new CliFailure(
            EXIT.malformed,
            `the clock stands at ${formatInstant(clock.now())} and does not go back`,
            { remedy: 'name a later instant' },
          );
        await world.advanceTo(clock, to, () => this.#context.signal?.aborted !== true);
        return done;
      }
      case 'create-bucket':
        aws.storage.createBucket(pairOf(action), action.bucket, {
          isVersioned: action.versioned,
          hasObjectLock: false,
          ...(action.kmsKeyArn === undefined ? {} : { kmsKeyArn: action.kmsKeyArn }),
        });
        return done;
      case 'invoke': {
        const observed = await services.settings.getInvocationLogging(pairOf(action));
        const filler = action.kilobytes === undefined ? '' : ' '.repeat(action.kilobytes * 1024);
        for (let time = 0; time < action.times; time++) {
          deliver(
            aws.storage,
            services.clock,
            services.ids,
            pairOf(action),
            observed.kind === 'observed' ? observed.value : undefined,
            {
              identityArn: action.as,
              modelId: 'anthropic.claude-sonnet-4-5-20250929-v1:0',
              prompt: `${action.prompt}${filler}`,
              response: action.response,
            },
          );
        }
        return done;
      }
      case 'overwrite-object':
        aws.storage.putObject(action.bucket, this.#expand(action.key), action.body);
        return done;
      case 'delete-object':
        aws.storage.deleteObject(action.bucket, this.#expand(action.key));
        return done;
      case 'start-upload':
        aws.storage.startUpload(action.bucket, this.#expand(action.key), action.body);
        return done;
      case 'put-logging': {
        const on = action.content === 'on';
        const configuration = {
          textDataDeliveryEnabled: on,
          imageDataDeliveryEnabled: on,
          embeddingDataDeliveryEnabled: on,
          videoDataDeliveryEnabled: on,
          audioDataDeliveryEnabled: on,
          s3Config: { bucketName: action.bucket, keyPrefix: action.prefix },
        };
        aws.settings.putBySomebodyElse(pairOf(action), configuration, action.by);
        return done;
      }
      case 'delete-logging':
        aws.settings.deleteBySomebodyElse(pairOf(action), action.by);
        return done;
      case 'config-rule':
        aws.config.createPeriodicRule(pairOf(action), clock.now());
        return done;
      case 'event-rules':
        aws.eventRules.setOn(action.state === 'on');
        return done;
      case 'count-reads':
        aws.eventRules.countReads(pairOf(action));
        return done;
      case 'read': {
        const id = this.#id(action.exception);
        const record = (await readException(services.store, id))?.value;
        const [placed] = record === undefined ? [] : await readLeases(services.store, record);
        if (placed === undefined) return { kind: 'unmet', says: `${action.exception} has no window yet` };
        const { destination } = placed.lease;
        const of =
          destination.kind === 's3'
            ? { bucketName: destination.bucketName, key: `${destination.keyPrefix}AWSLogs/record` }
            : { logGroupName: destination.logGroupName };
        for (let time = 0; time < action.times; time++) aws.eventRules.read(placed, action.as, of);
        return done;
      }
      case 'set-retention':
        aws.retention.setModeBySomebodyElse(pairOf(action), action.mode);
        return done;
      case 'adopt-foreign':
        return refusedOr(
          await adoptForeign(services, pairOf(action), action.setting, principalId(action.as), action.reason),
        );
      case 'stop-workflow': {
        const id = this.#id(action.exception);
        const stopped = await this.#state.runtime.stop('exception', id, {
          error: 'Stopped',
          cause: 'by hand',
        });
        if (stopped.ok) aws.eventRules.stopped('exception', id, 'ABORTED');
        return stopped.ok ? done : { kind: 'unmet', says: stopped.error.message };
      }
      case 'mute':
      case 'unmute':
        aws.schedules.setMute(SCHEDULE_TARGET[action.detector], action.do === 'mute');
        return done;
      case 'fault':
        plantFault(aws.database, {
          operation: action.operation,
          kind: action.kind,
          times: action.times,
          ...(action.delay === undefined ? {} : { delayMs: lengthOf(action.delay) }),
        });
        return done;
      case 'clear-faults':
        clearFaults(aws.database);
        return done;
      case 'expect':
        return this.#expect(action);
      default:
        return assertNever(action, 'action');
    }
  }

  async #request(action: Extract<Action, { do: 'request' }>): Promise<Played> {
    const { services } = this.#state;
    const file = this.#path(action.file);
    const request = parseRequest(await readTextFile(file, this.#context), action.file);
    if (!request.ok)
      throw malformedDocuments(request.error, `\`${action.file}\` is not a request that can be judged`);
    const policy = await services.policyInForce.current();
    const submitted = await requestException(services, request.value, principalId(action.as), policy);
    if (!submitted.ok) return { kind: 'refused', refusal: submitted.error };
    const { id } = submitted.value.record;
    if (action.name !== undefined) this.#names.set(action.name, id);
    return done;
  }

  async #expect(action: Extract<Action, { do: 'expect' }>): Promise<Played> {
    const { services } = this.#state;
    const unmet: string[] = [];
    if (action.exception !== undefined && action.state !== undefined) {
      const record = (await readException(services.store, this.#id(action.exception)))?.value;
      if (record?.state !== action.state)
        unmet.push(`${action.exception} is ${record?.state ?? 'unknown'}, not ${action.state}`);
    }
    if (action.contentStorage !== undefined && action.account !== undefined && action.region !== undefined) {
      const observed = await services.settings.getInvocationLogging(
        pairOf({ account: action.account, region: action.region }),
      );
      const is =
        observed.kind === 'unobservable'
          ? 'unreadable'
          : storesContent(observed.kind === 'observed' ? observed.value : undefined)
            ? 'on'
            : 'off';
      if (is !== action.contentStorage)
        unmet.push(
          `content storage in ${action.account}, ${action.region} is ${is}, not ${action.contentStorage}`,
        );
    }
    if (action.retentionMode !== undefined && action.account !== undefined && action.region !== undefined) {
      const pair = pairOf({ account: action.account, region: action.region });
      const observed = await services.retention.getDataRetention(pair);
      const is = observed.kind === 'observed' ? observed.value.mode : observed.kind;
      if (is !== action.retentionMode)
        unmet.push(`the data-retention mode is ${is}, not ${action.retentionMode}`);
    }
    if (
      action.bucket !== undefined &&
      action.versions !== undefined &&
      action.account !== undefined &&
      action.region !== undefined
    ) {
      const versions = await services.destinations.listVersions(
        pairOf({ account: action.account, region: action.region }),
        action.bucket,
        '',
      );
      const content = versions.filter(({ bytes }) => bytes > 0).length;
      if (content !== action.versions)
        unmet.push(`${action.bucket} holds ${content} versions with content, not ${action.versions}`);
    }
    return unmet.length === 0 ? done : { kind: 'unmet', says: unmet.join('; ') };
  }

  #id(text: string): ExceptionId {
    const named = this.#names.get(text);
    if (named !== undefined) return named;
    if (isExceptionId(text)) return exceptionId(text);
    throw new CliFailure(EXIT.malformed, `no earlier step requested an exception named \`${text}\``, {
      remedy: 'give the `request` step that `name`, or write an exception id',
    });
  }

  /** `{name}` in an object key becomes the id of that exception. */
  #expand(key: string): string {
    return key.replaceAll(/\{([^}]+)\}/g, (_, name: string) => this.#id(name));
  }

  #path(path: string): string {
    return resolve(this.#base, path);
  }
}

const pairOf = (action: { account: string; region: string }): Pair => ({
  accountId: accountId(action.account),
  region: region(action.region),
});

const refusedOr = (result: { ok: true } | { ok: false; error: Refusal }): Played =>
  result.ok ? done : { kind: 'refused', refusal: result.error };

/** Bodies are left out: what people wrote does not belong in a record. */
export function describe(action: Action): string {
  const { do: name, ...fields } = action;
  const shown = Object.entries(fields).filter(
    ([field, value]) => !['prompt', 'response', 'body'].includes(field) && value !== undefined,
  );
  return [name, ...shown.map(([field, value]) => `${field}=${String(value)}`)].join(' ');
}
