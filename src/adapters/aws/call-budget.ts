/**
 * How often a service may be called in one account and Region. A token bucket: `perSecond` calls a second in the long run, and as many
 * as that at once after a pause. The SDK's adaptive retry slows a client down further where AWS throttles nevertheless.
 */
export interface CallRate {
  readonly perSecond: number;
  /** Operations with a smaller rate of their own, which they use up beside that of the service. */
  readonly operations?: Readonly<Record<string, number>>;
  /** AWS's page and what it says there; `undocumented` where no page names a figure. */
  readonly source: string;
}

/** Where AWS documents nothing, or nobody looked it up: what the slowest documented listing calls allow. */
export const UNDOCUMENTED_RATE: CallRate = {
  perSecond: 10,
  source: 'undocumented: no figure is published for these calls, so this is our own, and cautious',
};

/**
 * By the SDK's `serviceId`. AWS's figures are for everybody in the account together, and others read there too: where a whole service shares
 * one figure, half of it is ours. docs/permissions.md shows this table, and a test holds the two together.
 */
export const CALL_RATES: Readonly<Record<string, CallRate>> = {
  CloudTrail: {
    perSecond: 5,
    source: 'half of 10 a second for Get, Describe and List: *Quotas in AWS CloudTrail*',
  },
  CloudWatch: {
    perSecond: 4.5,
    source: 'half of 9 a second for DescribeAlarms: *CloudWatch service quotas*',
  },
  Organizations: {
    perSecond: 4,
    operations: { DescribePolicy: 1 },
    source:
      'half of 8 a second for ListAccounts, and half of 2 for DescribePolicy: *Quotas and service limits for AWS Organizations*',
  },
  'SSO Admin': {
    perSecond: 10,
    source: 'half of 20 a second for all calls together: *IAM Identity Center quotas*',
  },
  STS: { perSecond: 50, source: 'far below 600 a second for the account: *IAM and AWS STS quotas*' },
};

/** A token bucket that hands out turns: nobody overtakes, and a turn once given is kept. Times are milliseconds of any steady clock. */
export class Turns {
  readonly #perSecond: number;
  readonly #burst: number;
  /** When the bucket was, or will be, empty. */
  #emptyAt = Number.NEGATIVE_INFINITY;

  /** @param perSecond - above zero; `burst` is as many, and at least one */
  constructor(perSecond: number) {
    this.#perSecond = perSecond;
    this.#burst = Math.max(1, perSecond);
  }

  /** Takes a turn. @returns milliseconds from `now` until it comes; 0 when it is now */
  next(now: number): number {
    const msEach = 1000 / this.#perSecond;
    this.#emptyAt = Math.max(this.#emptyAt, now - this.#burst * msEach) + msEach;
    return Math.max(0, this.#emptyAt - now);
  }
}

/** The turns of one service in one account and Region. */
export class CallBudget {
  readonly #ofService: Turns;
  readonly #ofOperation: ReadonlyMap<string, Turns>;

  constructor({ perSecond, operations = {} }: CallRate) {
    this.#ofService = new Turns(perSecond);
    this.#ofOperation = new Map(Object.entries(operations).map(([name, rate]) => [name, new Turns(rate)]));
  }

  /** Takes a turn for `operation`. @returns milliseconds from `now` until it comes */
  next(operation: string, now: number): number {
    return Math.max(this.#ofService.next(now), this.#ofOperation.get(operation)?.next(now) ?? 0);
  }
}
