"""A streaming AWS Lambda runtime for ASGI applications: the standard library, and nothing else.

`rejoinder/bootstrap` of this layer starts it in the place of the managed Python runtime (set
AWS_LAMBDA_EXEC_WRAPPER=/opt/rejoinder/bootstrap). The handler string names an ASGI 3 application,
the events are those of an API Gateway REST API, and every answer is streamed: all routes of such a
function need the response transfer mode STREAM.

Beside what ASGI says, a scope holds

- `aws.event` and `aws.context`, as mangum has them;
- `state`, what the application put into its lifespan's state;
- `extensions["aws.lambda"]`: `deadline_at` (Unix seconds: end the answer some seconds earlier, or
  it is cut), `trace_id`, `tenant_id` (both may be None) and `is_cold_start`.

`send` raises an OSError, and `receive` gives `http.disconnect`, if Lambda stops reading; it does
not when only the client is gone. The application is called once for its lifespan, before the first
event. With SnapStart its attributes `before_snapshot` and `after_restore` are called, if it has
them.
"""
