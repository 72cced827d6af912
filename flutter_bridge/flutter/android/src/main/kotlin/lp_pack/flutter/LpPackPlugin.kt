package lp_pack.flutter

import io.flutter.embedding.engine.plugins.FlutterPlugin
import io.flutter.plugin.common.MethodCall
import io.flutter.plugin.common.MethodChannel

/** The Android side of package:lp_pack_flutter: textures, and where the app may write. */
class LpPackPlugin : FlutterPlugin, MethodChannel.MethodCallHandler {
    private var binding: FlutterPlugin.FlutterPluginBinding? = null
    private var channel: MethodChannel? = null
    private val textures = HashMap<Long, PersonaTexture>()

    override fun onAttachedToEngine(binding: FlutterPlugin.FlutterPluginBinding) {
        this.binding = binding
        channel = MethodChannel(binding.binaryMessenger, "lp_pack_flutter").also {
            it.setMethodCallHandler(this)
        }
    }

    override fun onDetachedFromEngine(binding: FlutterPlugin.FlutterPluginBinding) {
        channel?.setMethodCallHandler(null)
        channel = null
        textures.values.forEach { it.stop() }
        textures.clear()
        this.binding = null
    }

    override fun onMethodCall(call: MethodCall, result: MethodChannel.Result) {
        when (call.method) {
            "attach" -> attach(call, result)
            "redraw" -> {
                textures[number(call, "texture")]?.redraw()
                result.success(null)
            }
            "detach" -> {
                textures.remove(number(call, "texture"))?.stop()
                result.success(null)
            }
            // Assets are inside the package file: they have no path.
            "assetPath" -> result.success(null)
            "storagePath" -> result.success(binding?.applicationContext?.filesDir?.path)
            else -> result.notImplemented()
        }
    }

    private fun attach(call: MethodCall, result: MethodChannel.Result) {
        val registry = binding?.textureRegistry
        val session = number(call, "session")
        if (registry == null || session == null) {
            result.error("argument", "attach needs the session, a number", null)
            return
        }
        val texture = PersonaTexture.of(registry, session)
        if (texture == null) {
            result.error("closed", "the persona is closed", null)
            return
        }
        textures[texture.id] = texture
        result.success(texture.id)
    }

    /** A whole number arrives as Int or Long, as large as it is. */
    private fun number(call: MethodCall, name: String): Long? =
        call.argument<Number>(name)?.toLong()
}
