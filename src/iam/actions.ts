/** Actions as AWS's service authorization reference spells them; policies match them without regard to case. */

/** What can change whether, where or in which retention mode prompts are stored. */
export const PROMPT_STORAGE_CHANGES = [
  'bedrock:PutModelInvocationLoggingConfiguration',
  'bedrock:DeleteModelInvocationLoggingConfiguration',
  'bedrock:PutAccountDataRetention',
  'bedrock-mantle:PutAccountDataRetention',
  'bedrock-mantle:CreateProject',
  'bedrock-mantle:UpdateProject',
] as const;

/**
 * What can send a prompt to a model. Converse and ConverseStream have no actions of their own: the two InvokeModel actions
 * authorize them, and a policy that names `bedrock:Converse` grants nothing.
 */
export const MODEL_INVOCATIONS = [
  'bedrock:InvokeModel',
  'bedrock:InvokeModelWithResponseStream',
  'bedrock:CreateModelInvocationJob',
  'bedrock-mantle:CreateInference',
] as const;
