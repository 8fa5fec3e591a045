#!/bin/sh -eu
# RabbitMQ >= 3.13: permissions of one box: permissions.sh BOX. Not run by the project's tests. Needs, in rabbitmq.conf:
#   mqtt.listeners.ssl.default = 8883, mqtt.ssl_cert_login = true, ssl_cert_login_from = common_name
#   ssl_options.verify = verify_peer, ssl_options.fail_if_no_peer_cert = true, ssl_options.versions.1 = tlsv1.3
# In a topic's routing key a slash is a dot. {username} is the box, by the common name of its certificate.
box=$1
rabbitmqctl add_user "$box" "$(head -c 32 /dev/urandom | base64)"
rabbitmqctl clear_password "$box"
rabbitmqctl set_permissions -p / "$box" '^mqtt-(subscription|will)-.*' '^(mqtt-(subscription|will)-.*|amq\.topic)$' '^(mqtt-(subscription|will)-.*|amq\.topic)$'
rabbitmqctl set_topic_permissions -p / "$box" amq.topic \
	'^eb\.1\.{username}\.(link|state|tele\.health|tele\.stream|evt|res)$' \
	'^eb\.1\.({username}\.(link|cmd|ack|desired)|_ctl\.[^.]+)$'
