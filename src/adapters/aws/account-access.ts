import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import type { AccountId, Clock, Region } from '../../core/index.ts';
import { limitCalls } from './clients.ts';
import { EarlierCallFailed, MalformedAnswer, required } from './observe.ts';

export interface AccessOptions {
  /** Name with path of the role to assume in each account; default `proviso/ProvisoCollect`. */
  readonly roleName?: string;
  /** Shows in CloudTrail as who acted; default `proviso-collect`. */
  readonly sessionName?: string;
  /** Assume the role in the caller's own account too: for acts that the caller itself has no right to. */
  readonly alwaysAssume?: boolean;
  /** Known from the deployment: with `alwaysAssume`, nobody has to ask who the caller is. */
  readonly partition?: string;
  readonly externalId?: string;
  /** Region for STS, IAM and Organizations; default `AWS_REGION`, `AWS_DEFAULT_REGION`, then `us-east-1`. */
  readonly homeRegion?: Region;
  /** Attempts a call, the first included; default 8, with the SDK's adaptive retry. */
  readonly maxAttempts?: number;
  readonly clock: Clock;
}

export const DEFAULT_COLLECT_ROLE = 'proviso/ProvisoCollect';
/** Shows in CloudTrail as who read. */
export const COLLECT_SESSION_NAME = 'proviso-collect';

/** STS gives an hour; longer is not possible when one role assumes another. */
const SESSION_SECONDS = 3600;
const RENEW_BEFORE_MS = 5 * 60_000;
/** A refused role is not asked for again by every Region of the account, but a long-lived process tries again. */
const REMEMBER_FAILURE_MS = 60_000;
const MAX_ATTEMPTS = 8;

/** Keys of one session; they stay in memory and go nowhere but into a client. */
export interface SessionCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
  readonly expiration: Date;
}

/** What every client is made with. `AWS_ENDPOINT_URL` and the default credential chain are the SDK's own business. */
export interface ClientSettings {
  readonly region: string;
  readonly maxAttempts: number;
  readonly retryMode: 'adaptive';
  readonly requestHandler: STSClient['config']['requestHandler'];
  readonly credentials?: () => Promise<SessionCredentials>;
}

/** Of an account and Region; clients hang on the object, so an evicted one takes its clients and what they remember of throttling along. */
const REMEMBERED_SETTINGS = 64;

interface Session {
  readonly credentials: Promise<SessionCredentials>;
  /** Epoch milliseconds after which the entry is not used; unknown while the call runs. */
  until: number;
}

/**
 * Makes clients for any account: with the caller's own credentials in its own account, elsewhere with a role. One AssumeRole serves all
 * Regions of an account and is renewed five minutes before it expires. All clients share one pool of connections.
 */
export class AccountAccess {
  readonly #options: AccessOptions;
  readonly #sts: STSClient;
  readonly #base: Omit<ClientSettings, 'credentials'>;
  readonly #sessions = new Map<AccountId, Session>();
  /** By account and Region, the one used last at the end. */
  readonly #settings = new Map<string, ClientSettings>();
  #caller: Promise<{ readonly accountId: string; readonly partition: string }> | undefined;

  constructor(options: AccessOptions) {
    this.#options = options;
    const region =
      options.homeRegion ?? process.env.AWS_REGION ?? process.env.AWS_DEFAULT_REGION ?? 'us-east-1';
    const settings = {
      region,
      maxAttempts: options.maxAttempts ?? MAX_ATTEMPTS,
      retryMode: 'adaptive' as const,
    };
    this.#sts = new STSClient({
      ...settings,
      requestHandler: { connectionTimeout: 5_000, requestTimeout: 30_000, throwOnRequestTimeout: true },
    });
    limitCalls(this.#sts);
    this.#base = { ...settings, requestHandler: this.#sts.config.requestHandler };
  }

  /** For services of the organization: the caller's own credentials. @param region - the home Region when absent */
  homeSettings(region?: string): ClientSettings {
    return region === undefined
      ? this.#base
      : this.#remembered(`home ${region}`, () => ({ ...this.#base, region }));
  }

  /**
   * The same object for the same account and Region while it is in use, so that `clientOf` can share clients.
   *
   * @param region - the home Region when absent (IAM is global)
   * @throws EarlierCallFailed when the role cannot be assumed
   */
  async settingsFor(accountId: AccountId, region?: Region): Promise<ClientSettings> {
    const { partition: known, alwaysAssume } = this.#options;
    const caller =
      known !== undefined && alwaysAssume === true
        ? { accountId: undefined, partition: known }
        : await this.#callerIdentity();
    if (caller.accountId === accountId && this.#options.alwaysAssume !== true)
      return this.homeSettings(region);
    // Asked now so that a refusal is known as the refusal of the role; the client asks again only near the expiry.
    await this.#session(accountId, caller.partition);
    return this.#remembered(`${accountId} ${region ?? ''}`, () => ({
      ...this.#base,
      ...(region === undefined ? {} : { region }),
      credentials: () => this.#session(accountId, caller.partition),
    }));
  }

  #remembered(key: string, make: () => ClientSettings): ClientSettings {
    const settings = this.#settings.get(key) ?? make();
    this.#settings.delete(key);
    this.#settings.set(key, settings);
    const [oldest] = this.#settings.keys();
    if (this.#settings.size > REMEMBERED_SETTINGS && oldest !== undefined) this.#settings.delete(oldest);
    return settings;
  }

  /** Closes the connections; clients made before must not be used afterwards. */
  close(): void {
    this.#sts.destroy();
  }

  async #callerIdentity() {
    this.#caller ??= this.#sts.send(new GetCallerIdentityCommand({})).then((answer) => ({
      accountId: required(answer.Account, 'Account'),
      partition: /^arn:([^:]+):/.exec(required(answer.Arn, 'Arn'))?.[1] ?? 'aws',
    }));
    try {
      return await this.#caller;
    } catch (error) {
      this.#caller = undefined;
      throw new EarlierCallFailed({ call: 'sts:GetCallerIdentity' }, error);
    }
  }

  #session(accountId: AccountId, partition: string): Promise<SessionCredentials> {
    const now = this.#options.clock.now();
    const known = this.#sessions.get(accountId);
    if (known !== undefined && now < known.until) return known.credentials;

    const session: Session = {
      credentials: this.#assumeRole(accountId, partition),
      until: Number.POSITIVE_INFINITY,
    };
    this.#sessions.set(accountId, session);
    session.credentials.then(
      ({ expiration }) => {
        session.until = expiration.getTime() - RENEW_BEFORE_MS;
      },
      () => {
        session.until = this.#options.clock.now() + REMEMBER_FAILURE_MS;
      },
    );
    return session.credentials;
  }

  async #assumeRole(accountId: AccountId, partition: string): Promise<SessionCredentials> {
    const { roleName = DEFAULT_COLLECT_ROLE, sessionName = COLLECT_SESSION_NAME, externalId } = this.#options;
    try {
      const { Credentials: given } = await this.#sts.send(
        new AssumeRoleCommand({
          RoleArn: `arn:${partition}:iam::${accountId}:role/${roleName}`,
          RoleSessionName: sessionName,
          DurationSeconds: SESSION_SECONDS,
          ...(externalId === undefined ? {} : { ExternalId: externalId }),
        }),
      );
      const expiration = required(given?.Expiration, 'Credentials.Expiration');
      if (!(expiration instanceof Date)) throw new MalformedAnswer('Credentials.Expiration is not a time');
      return {
        accessKeyId: required(given?.AccessKeyId, 'Credentials.AccessKeyId'),
        secretAccessKey: required(given?.SecretAccessKey, 'Credentials.SecretAccessKey'),
        sessionToken: required(given?.SessionToken, 'Credentials.SessionToken'),
        expiration,
      };
    } catch (error) {
      throw new EarlierCallFailed({ call: 'sts:AssumeRole', accountId }, error);
    }
  }
}
