import {
  DescribeExecutionCommand,
  SendTaskSuccessCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import type { ExecutionStatus, Executions } from '../../exceptions/index.ts';
import { awsCall, isNamed } from './call.ts';
import type { HomeSettings } from './home-settings.ts';
import { required } from './observe.ts';

export interface StateMachineArns {
  readonly exception: string;
  readonly ending: string;
}

/**
 * Step Functions (Standard). A name is looked up before it is started, because StartExecution with the same name and input answers a
 * running execution as if it had started it. Two starters at the same instant may both be told `started`; there is one execution.
 */
export function awsExecutions(settings: HomeSettings, machines: StateMachineArns): Executions {
  const client = new SFNClient(settings);

  const status = (machine: keyof StateMachineArns, name: string): Promise<ExecutionStatus | undefined> =>
    awsCall('states:DescribeExecution', async () => {
      try {
        const answer = await client.send(
          new DescribeExecutionCommand({ executionArn: executionArn(machines[machine], name) }),
        );
        const found = required(answer.status, 'status');
        // Waiting for a redrive, it does nothing: for whoever counts on it, it has stopped.
        return found === 'PENDING_REDRIVE' ? 'FAILED' : found;
      } catch (error) {
        if (isNamed(error, 'ExecutionDoesNotExist')) return undefined;
        throw error;
      }
    });

  return {
    status,
    async start(machine, name, input) {
      if ((await status(machine, name)) !== undefined) return 'already-exists';
      return awsCall('states:StartExecution', async () => {
        try {
          await client.send(
            new StartExecutionCommand({
              stateMachineArn: machines[machine],
              name,
              input: JSON.stringify(input),
            }),
          );
          return 'started';
        } catch (error) {
          if (isNamed(error, 'ExecutionAlreadyExists')) return 'already-exists';
          throw error;
        }
      });
    },
    wake: (taskToken) =>
      awsCall('states:SendTaskSuccess', async () => {
        try {
          await client.send(new SendTaskSuccessCommand({ taskToken, output: '{}' }));
          return 'woken';
        } catch (error) {
          if (isNamed(error, 'TaskTimedOut', 'TaskDoesNotExist', 'InvalidToken')) return 'gone';
          throw error;
        }
      }),
  };
}

/** `arn:…:stateMachine:NAME` and an execution's name give the execution's ARN. */
export const executionArn = (stateMachineArn: string, name: string): string =>
  `${stateMachineArn.replace(':stateMachine:', ':execution:')}:${name}`;
