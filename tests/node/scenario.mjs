// Runs the scenario that the command line names, with the JSON from standard input, and prints its result as JSON.

const read = async () => {
  let text = "";
  for await (const chunk of process.stdin) text += chunk;
  return JSON.parse(text);
};

export const play = async (scenarios) => {
  const told = await scenarios[process.argv[2]](await read());
  console.log(JSON.stringify(told));
};

// What a person would see of an error.
export const shown = (error) => ({
  name: error.constructor.name,
  message: error.message,
  status: error.status ?? error.statusCode ?? null,
  code: error.code ?? null,
  isRetryable: error.isRetryable ?? null,
});
